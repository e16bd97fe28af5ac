/**
 * What Node is told when it runs the embedded ledger as a process of its own. Most of what a transaction allocates,
 * messages on their way above all, is garbage when the transaction is committed, and by default V8 lets garbage pile up:
 * 110 MB of young objects, then old ones to four times what is in use, with as many buffers that only they hold on to.
 * Of the 400 to 420 MiB that came to, some 60 were in use. docs/decisions/0008 has what these flags save and cost.
 *
 * @see node --v8-options
 */
export const LEDGER_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8', '--heap-growing-percent=100'];
