import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import winston from 'winston';
import { skipUnloggedLines } from '../../chaincode/state/skip-unlogged-lines.js';

const stockWrite = winston.Logger.prototype.write;
const written: string[] = [];
let formatted = 0;

const counting = winston.format((info) => {
  formatted += 1;
  return info;
});
const logger = winston.createLogger({
  level: 'error',
  format: winston.format.combine(counting(), winston.format.simple()),
  transports: [
    new winston.transports.Stream({
      stream: new Writable({
        write: (line, _encoding, done) => {
          written.push(String(line).trim());
          done();
        },
      }),
    }),
  ],
});

beforeAll(skipUnloggedLines);
beforeEach(() => {
  logger.level = 'error';
  formatted = 0;
  written.length = 0;
});
afterAll(() => {
  winston.Logger.prototype.write = stockWrite;
});

describe('skipUnloggedLines', () => {
  it('formats no line that is below the level', () => {
    logger.debug('a');
    logger.info('b', { more: 1 });
    logger.log('warn', 'c');
    expect({ formatted, written }).toEqual({ formatted: 0, written: [] });
  });

  it('leaves lines that are written as they were', () => {
    logger.error('broken');
    expect({ formatted, written }).toEqual({ formatted: 1, written: ['error: broken'] });
  });

  it('follows a level that is changed later', () => {
    logger.level = 'debug';
    logger.debug('seen');
    expect({ formatted, written }).toEqual({ formatted: 1, written: ['debug: seen'] });
  });
});
