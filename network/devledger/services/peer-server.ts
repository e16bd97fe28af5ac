import { type GrpcServer, type GrpcServerOptions, startGrpcServer } from './grpc-server.js';
import { addPeerServices, type PeerServicesOptions } from './peer-services.js';

export type PeerServerOptions = Omit<PeerServicesOptions, 'stopped'> & GrpcServerOptions;
export type PeerServer = GrpcServer;

/** @throws Error the port is taken, or the TLS certificate and key do not fit */
export function startPeerServer(options: PeerServerOptions): Promise<PeerServer> {
  return startGrpcServer(options, (server, stopped) => addPeerServices(server, { ...options, stopped }));
}
