import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { msp } from '@hyperledger/fabric-protos';
import { SignatureCache } from '../../../network/devledger/commit/signature-cache.js';
import { signLowS } from '../../../network/devledger/low-s.js';
import { hasEnded, MspError, MspRegistry } from '../../../network/devledger/msp.js';
import { createAuthority, createNetwork, type TestNetwork } from '../ledger-support.js';

let network: TestNetwork;
const DATA = Buffer.from('a proposal');

beforeAll(async () => {
  network = await createNetwork();
});

function reasonOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof MspError ? error.reason : String(error);
  }
}

describe('MspRegistry', () => {
  it.each([{ ou: 'client' }, { ou: 'peer' }, { ou: 'admin' }, { ou: 'orderer' }])(
    'reads MSP and role $ou from the certificate',
    async ({ ou }) => {
      const [authority] = network.authorities;
      const member = await authority?.issue('someone', { ou });
      const identity = network.registry.identity(member?.serialized ?? new Uint8Array());
      expect({ mspId: identity.mspId, ou: identity.ou }).toEqual({ mspId: 'HospitalAMSP', ou });
    },
  );

  it('a certificate that names no role has none', async () => {
    const member = await network.authorities[0]?.issue('someone', { ou: 'doctors' });
    expect(network.registry.identity(member?.serialized ?? new Uint8Array()).ou).toBeUndefined();
  });

  it('a good signature gives the identity', () => {
    const { client } = network;
    const identity = network.registry.verify(client.serialized, DATA, signLowS(client.key, DATA));
    expect(identity.mspId).toBe('HospitalAMSP');
  });

  it('a certificate of an authority that only bears the name of a member is refused', async () => {
    const stranger = await (await createAuthority('HospitalAMSP')).issue('patient');
    expect(reasonOf(() => network.registry.identity(stranger.serialized))).toBe('NOT_ISSUED_BY_MSP');
  });

  it("a certificate of one member under another member's MSP id is refused", () => {
    const claimed = new msp.SerializedIdentity();
    claimed.setMspid('HospitalBMSP');
    claimed.setIdBytes(Buffer.from(network.client.certificatePem));
    expect(reasonOf(() => network.registry.identity(claimed.serializeBinary()))).toBe('NOT_ISSUED_BY_MSP');
  });

  it('an MSP that is not in the channel is refused', async () => {
    const stranger = await (await createAuthority('OtherMSP')).issue('patient');
    expect(reasonOf(() => network.registry.identity(stranger.serialized))).toBe('UNKNOWN_MSP');
  });

  it('bytes that are no identity are refused', () => {
    expect(reasonOf(() => network.registry.identity(Buffer.from('nonsense')))).toBe('MALFORMED_IDENTITY');
    expect(reasonOf(() => network.registry.identity(new Uint8Array(20_000)))).toBe('MALFORMED_IDENTITY');
  });

  it('the validity period is not asked for, as blocks must mean the same in later years', async () => {
    const from = new Date('2026-01-01T00:00:00Z');
    const to = new Date('2026-02-01T00:00:00Z');
    const member = await network.authorities[0]?.issue('temp', { notBefore: from, notAfter: to });
    if (member === undefined) throw new Error('not issued');
    const signature = signLowS(member.key, DATA);
    const at = (ms: number) => reasonOf(() => network.registry.verify(member.serialized, DATA, signature, ms));
    expect(at(from.getTime() - 1)).toBeUndefined();
    expect(at(to.getTime() + 1)).toBeUndefined();
    const identity = network.registry.identity(member.serialized);
    expect([hasEnded(identity, to.getTime()), hasEnded(identity, to.getTime() + 1)]).toEqual([false, true]);
  });

  it('a signature over something else, or of somebody else, is refused', () => {
    const { client, insurer } = network;
    const other = signLowS(client.key, Buffer.from('another proposal'));
    expect(reasonOf(() => network.registry.verify(client.serialized, DATA, other))).toBe('BAD_SIGNATURE');
    expect(reasonOf(() => network.registry.verify(client.serialized, DATA, signLowS(insurer.key, DATA)))).toBe(
      'BAD_SIGNATURE',
    );
    expect(reasonOf(() => network.registry.verify(client.serialized, DATA, new Uint8Array()))).toBe('HIGH_S');
  });

  it('a certificate without the right to issue is no authority', () => {
    const definition = { mspId: 'HospitalAMSP', caCertPems: [network.client.certificatePem] };
    expect(() => new MspRegistry([definition])).toThrow(MspError);
  });
});

describe('SignatureCache', () => {
  it('a remembered signature is still bound to identity, data, signature and time', () => {
    const { client, insurer, msps } = network;
    const serialHex = new X509Certificate(client.certificatePem).serialNumber.toLowerCase().replace(/^0+/, '');
    const revokedAtMs = Date.now() + 60_000;
    const revocations = [{ serialHex, revokedAtMs }];
    const cache = new SignatureCache(new MspRegistry(msps.map((definition) => ({ ...definition, revocations }))));
    const signature = signLowS(client.key, DATA);
    const now = Date.now();
    cache.verify(client.serialized, DATA, signature, now);
    expect(cache.verify(client.serialized, DATA, signature, now).mspId).toBe('HospitalAMSP');
    expect(reasonOf(() => cache.verify(insurer.serialized, DATA, signature, now))).toBe('BAD_SIGNATURE');
    expect(reasonOf(() => cache.verify(client.serialized, Buffer.from('x'), signature, now))).toBe('BAD_SIGNATURE');
    expect(reasonOf(() => cache.verify(client.serialized, DATA, signature, revokedAtMs - 1))).toBeUndefined();
    expect(reasonOf(() => cache.verify(client.serialized, DATA, signature, revokedAtMs))).toBe('REVOKED');
  });

  it('what is taken back while it runs counts for signatures that were found good before', () => {
    const { client, insurer, msps } = network;
    const registry = new MspRegistry(msps);
    const cache = new SignatureCache(registry);
    const [signature, other] = [signLowS(client.key, DATA), signLowS(insurer.key, DATA)];
    const now = Date.now();
    cache.verify(client.serialized, DATA, signature, now);
    const serialHex = new X509Certificate(client.certificatePem).serialNumber.toLowerCase().replace(/^0+/, '');
    registry.setRevocations('HospitalAMSP', [{ serialHex, revokedAtMs: now }]);
    expect(reasonOf(() => cache.verify(client.serialized, DATA, signature, now - 1))).toBeUndefined();
    expect(reasonOf(() => cache.verify(client.serialized, DATA, signature, now))).toBe('REVOKED');
    expect(reasonOf(() => cache.verify(insurer.serialized, DATA, other, now))).toBeUndefined();
    expect(reasonOf(() => registry.setRevocations('NobodyMSP', []))).toBe('UNKNOWN_MSP');
  });

  it('forgets the oldest when it is full and then checks anew', () => {
    const { client, registry } = network;
    const cache = new SignatureCache(registry, 1);
    const signature = signLowS(client.key, DATA);
    cache.remember(client.serialized, DATA, signature);
    cache.remember(client.serialized, Buffer.from('other'), new Uint8Array([1]));
    expect(cache.verify(client.serialized, DATA, signature, Date.now()).mspId).toBe('HospitalAMSP');
    expect(reasonOf(() => cache.verify(client.serialized, Buffer.from('other'), new Uint8Array([1]), Date.now()))).toBe(
      'HIGH_S',
    );
  });
});
