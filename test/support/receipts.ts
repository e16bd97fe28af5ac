import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { organisationFolder } from '../../network/identities/index.js';
import type { ReceiptReport } from '../../scripts/receipt/check-receipt.js';
import type { Member, Reply } from './member.js';
import type { RunningNetwork } from './running-network.js';

export function receiptOf(member: Member, transactionId: string): Promise<Reply> {
  return member.send({ method: 'GET', path: `/v1/transactions/${transactionId}/receipt` });
}

/** The certificates of the members' authorities, and nothing else: what somebody outside holds. */
export function exportAuthorities({ dataDir, topology }: RunningNetwork): string {
  const directory = mkdtempSync(join(tmpdir(), 'medledger-authorities-'));
  for (const { mspId, domain } of topology.organisations) {
    const from = join(organisationFolder(dataDir, domain), 'msp', 'cacerts');
    mkdirSync(join(directory, mspId, 'cacerts'), { recursive: true });
    for (const name of readdirSync(from)) cpSync(join(from, name), join(directory, mspId, 'cacerts', name));
  }
  return directory;
}

/** Runs the command as anybody would. */
export async function verifyReceipt(
  receipt: Uint8Array,
  msp: string,
): Promise<{ readonly status: number; readonly report: ReceiptReport }> {
  const file = join(mkdtempSync(join(tmpdir(), 'medledger-receipt-')), 'receipt.json');
  writeFileSync(file, receipt);
  const args = ['dist/scripts/verify-receipt.js', file, '--msp', msp, '--json'];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 });
    return { status: 0, report: parseReport(stdout) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (code !== 1) throw new Error(`verify-receipt: ${String(code)} ${stderr}`, { cause: error });
    return { status: code, report: parseReport(stdout ?? '') };
  }
}

function parseReport(text: string): ReceiptReport {
  return JSON.parse(text) as ReceiptReport;
}
