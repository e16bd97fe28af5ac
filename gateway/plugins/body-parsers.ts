import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { GatewayApp } from './gateway-app.js';
import { type JsonRules, parseStrictJson } from './strict-json.js';

const API_JSON: JsonRules = { depthMax: 16, numbers: 'safe' };
/** Bundle, entry, resource, and then what FHIR nests: questionnaires and contained resources reach about thirty. */
const FHIR_JSON: JsonRules = { depthMax: 40, numbers: 'exact' };

/** Bodies of the API itself. Any other content type in this scope is answered with 415. */
export function acceptJson(scope: GatewayApp, bytesMax: number): void {
  addParser(scope, 'application/json', bytesMax, (bytes) => parseStrictJson(bytes, API_JSON));
}

export function acceptFhirJson(scope: GatewayApp, bytesMax: number): void {
  scope.removeAllContentTypeParsers();
  for (const type of ['application/fhir+json', 'application/json'])
    addParser(scope, type, bytesMax, (bytes) => parseStrictJson(bytes, FHIR_JSON));
}

/** Files, whatever they are: taken as bytes and never looked into. */
export function acceptFiles(scope: GatewayApp, bytesMax: number): void {
  scope.removeAllContentTypeParsers();
  addParser(scope, '*', bytesMax, (bytes) => bytes);
}

function addParser(scope: GatewayApp, type: string, bytesMax: number, parse: (bytes: Buffer) => unknown): void {
  scope.addContentTypeParser(
    type,
    { parseAs: 'buffer', bodyLimit: bytesMax },
    async (request: FastifyRequest, body: Buffer) => {
      request.bodyDigest = createHash('sha256').update(body).digest('hex');
      return parse(body);
    },
  );
}
