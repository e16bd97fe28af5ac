import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../../gateway/config.js';
import { settingsOff } from '../../../gateway/vault/kubo-settings.js';

/** As `ipfs init` of Kubo 0.42 writes it. */
const FLATFS = { type: 'flatfs', path: 'blocks', sync: false, shardFunc: '/repo/flatfs/shard/v1/next-to-last/2' };
const LEVELDS = { type: 'levelds', path: 'datastore', compression: 'none' };
const PRIVATE = { Bootstrap: [], Routing: { Type: 'none' }, Discovery: { MDNS: { Enabled: false } } };

function withStore(spec: unknown): object {
  return { ...PRIVATE, Datastore: { Spec: spec, HashOnRead: true } };
}

describe('settingsOff', () => {
  it('names each of the defaults of Kubo that a vault cannot live with', () => {
    const off = settingsOff({
      Bootstrap: ['auto'],
      Routing: {},
      Discovery: { MDNS: { Enabled: true } },
      Datastore: { Spec: { type: 'mount', mounts: [FLATFS, LEVELDS] }, HashOnRead: false },
    });
    expect(off).toEqual([
      expect.stringMatching(/^the flatfs store blocks of Datastore.Spec has sync off: .*; set it to true$/),
      expect.stringMatching(/^Datastore.HashOnRead is off: .*; set it to true$/),
      expect.stringMatching(/set Bootstrap to \[\], Routing.Type to "none", Discovery.MDNS.Enabled to false$/),
    ]);
  });

  it.each([
    { name: 'flatfs with sync', spec: { type: 'mount', mounts: [{ ...FLATFS, sync: true }, LEVELDS] } },
    { name: 'pebbleds', spec: { type: 'pebbleds', path: 'pebbleds' } },
    { name: 'badgerds', spec: { type: 'badgerds', path: 'badgerds', syncWrites: false } },
  ])('$name: nothing is off', ({ spec }) => {
    expect(settingsOff(withStore(spec))).toEqual([]);
  });

  it.each([
    { name: 'flatfs within a measure', spec: { type: 'measure', child: FLATFS }, part: 'flatfs store blocks' },
    { name: 'flatfs without the setting', spec: { type: 'flatfs', path: 'blocks' }, part: 'sync off' },
    {
      name: 'pebbleds without its log',
      spec: { type: 'pebbleds', path: 'p', disableWAL: true },
      part: 'disableWAL on',
    },
    { name: 'a store of a plugin', spec: { type: 's3ds', path: 's3' }, part: 'whether the s3ds store s3' },
    { name: 'no store at all', spec: undefined, part: 'is not known' },
  ])('$name: named', ({ spec, part }) => {
    expect(settingsOff(withStore(spec))).toEqual([expect.stringContaining(part)]);
  });

  it.each([undefined, 'true', null])('HashOnRead %p is off', (hashOnRead) => {
    const config = { ...PRIVATE, Datastore: { Spec: LEVELDS, HashOnRead: hashOnRead } };
    expect(settingsOff(config)).toEqual([expect.stringContaining('HashOnRead')]);
  });

  it.each([undefined, null, 'text', []])('a configuration that is %p promises nothing', (config) => {
    expect(settingsOff(config).length).toBeGreaterThan(1);
  });
});

describe('VAULT_KUBO_URL', () => {
  const kuboUrl = (given: string | undefined, mspId = 'HospitalAMSP') =>
    readConfig({ MEDLEDGER_MSP: mspId, VAULT_KUBO_URL: given }).kuboUrl;

  it.each([
    { given: undefined, url: undefined },
    { given: '', url: undefined },
    { given: 'http://127.0.0.1:5001', url: 'http://127.0.0.1:5001' },
    { given: 'https://a:p=q@kubo.example/rpc', url: 'https://a:p=q@kubo.example/rpc' },
    { given: 'HospitalAMSP=http://[::1]:5001, HospitalBMSP=http://b:5001', url: 'http://[::1]:5001' },
    { given: 'HospitalBMSP=http://127.0.0.1:5002', url: undefined },
  ])('$given: $url', ({ given, url }) => {
    expect(kuboUrl(given)).toBe(url);
  });

  it.each([
    '127.0.0.1:5001',
    '/ip4/127.0.0.1/tcp/5001',
    'ftp://a:secret@b',
    'NobodyMSP=http://a:secret@b',
    'HospitalAMSP=http://a,HospitalBMSP=b:secret',
  ])('%s is refused, and not shown', (given) => {
    expect(() => kuboUrl(given)).toThrow(/^VAULT_KUBO_URL must be the URL of a Kubo RPC API, such as/);
    expect(() => kuboUrl(given)).not.toThrow(/secret/);
  });
});
