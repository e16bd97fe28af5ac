import type { ChaincodeEntry, ServiceTlsFiles } from './topology.js';

/** Fields of a chaincode that name a file or a folder. */
const PATH_FIELDS = ['folder', 'collections', 'connection'] as const;
const TLS_FIELDS = ['rootCert', 'clientCert', 'clientKey'] as const;

/** The same chaincode with each path in it as `change` makes it. */
export function withPaths<Entry extends Partial<ChaincodeEntry>>(
  entry: Entry,
  change: (path: string) => string,
): Entry {
  const { tls } = entry;
  return {
    ...entry,
    ...changed(entry, PATH_FIELDS, change),
    ...(tls === undefined ? {} : { tls: { ...tls, ...changed<ServiceTlsFiles>(tls, TLS_FIELDS, change) } }),
  };
}

function changed<Fields extends object>(
  from: Fields,
  names: readonly (keyof Fields & string)[],
  change: (path: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const path = from[name];
      return typeof path === 'string' ? [[name, change(path)]] : [];
    }),
  );
}
