import { Registry } from '@prometheus-io/client';
import { pino } from 'pino';
import { type GatewayConfig, readConfig } from './config.js';
import { openGateway } from './open-gateway.js';

/** The process of one gateway. Prints JSON lines; the one with msg "ready" comes when both ports listen. */
async function run(): Promise<void> {
  const config = configOrExit();
  const { organisation, host } = config;
  const logger = pino({ level: config.logLevel, base: { service: 'gateway', mspId: organisation.mspId } });
  const gateway = await openGateway(config, logger, new Registry());
  const stop = (signal: string): void => {
    logger.info({ signal }, 'stopping');
    gateway.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await gateway.internal.listen({ host, port: organisation.gateway.internalPort });
  await gateway.app.listen({ host, port: organisation.gateway.port });
  logger.info({ port: organisation.gateway.port }, 'ready');
}

function configOrExit(): GatewayConfig {
  try {
    return readConfig(process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

run().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
