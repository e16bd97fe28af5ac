import { Certificate } from '@fidm/x509';
import { memo } from './memo.js';

/** One parsed certificate holds some 20 KB. */
const CERTIFICATES_REMEMBERED_MAX = 500;

/**
 * contract-api builds a ClientIdentity for every transaction, and with it parses the creator's certificate again: 29 %
 * of the chaincode's CPU. Parsing is a pure function of the PEM, so its results are remembered. Everything else of
 * ClientIdentity, the MSP id above all, still comes from the proposal at hand. Call once, when the process starts.
 */
export function rememberParsedCertificates(): void {
  const parse = Certificate.fromPEM.bind(Certificate);
  const parseOnce = memo((pem: string) => parse(Buffer.from(pem, 'utf8')), CERTIFICATES_REMEMBERED_MAX);
  // The shim hands over a string, whatever the type says.
  Certificate.fromPEM = (pem) => parseOnce(pem.toString('utf8'));
}
