/**
 * The MSP's `config.yaml`: which organisational unit in a certificate makes its holder a client, peer, admin or
 * orderer.
 *
 * @param authorityPath - the certificate authority's certificate, relative to the MSP folder
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/msp.html#identity-classification
 */
export function nodeOusYaml(authorityPath: string): string {
  const identifiers = ['Client', 'Peer', 'Admin', 'Orderer'].flatMap((name) => [
    `  ${name}OUIdentifier:`,
    `    Certificate: ${authorityPath}`,
    `    OrganizationalUnitIdentifier: ${name.toLowerCase()}`,
  ]);
  return `${['NodeOUs:', '  Enable: true', ...identifiers].join('\n')}\n`;
}
