// The one plain-JavaScript script: it runs on whatever Node the host has, before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Node ${process.versions.node} is too old: install Node 20.19 or later (the project then brings its own Node 24).`,
  );
  process.exit(1);
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const run = (command, args) => {
  const { status, signal } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? (signal ? 130 : 1));
};

const lockDigest = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
const stamp = 'node_modules/.installed-lock';
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lockDigest) {
  console.log('Installing what the project needs, its own Node among it; this happens once.');
  // At its default npm warns of each package that wants the newer Node, which is among those it installs.
  run('npm', ['ci', '--include=dev', '--loglevel=error']);
  writeFileSync(stamp, lockDigest);
}
run('node_modules/.bin/tsc', ['-b']);
const [task, ...args] = process.argv.slice(2);
const script = `dist/scripts/${task}.js`;
if (!existsSync(script)) {
  console.error(`There is no script ${task}: package.json lists what there is.`);
  process.exit(1);
}
// Not spawnSync: a signal sent to this process must reach the one that owns the data. The channel tells that one when
// this process is gone without having been able to pass anything on.
const child = spawn('node_modules/.bin/node', [script, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
// npm that is told to end does not tell this process.
const parent = process.ppid;
if (task.startsWith('test')) setInterval(() => process.ppid === parent || child.kill('SIGTERM'), 1_000).unref();
child.on('exit', (status, signal) => process.exit(status ?? (signal === 'SIGINT' ? 130 : 1)));
