import { describe, expect, it } from '@jest/globals';
import { parsePolicyExpression, quorumPolicy } from '../../../network/devledger/definition/policy-expression.js';

describe('parsePolicyExpression', () => {
  // What policydsl.FromString of Fabric 3.1.5 made of the same expressions.
  it.each([
    ["OR('Org1MSP.member')", '120812060801120208001a0b12090a074f7267314d5350'],
    [
      "AND('Org1MSP.member','Org2MSP.member')",
      '120c120a080212020800120208011a0b12090a074f7267314d53501a0b12090a074f7267324d5350',
    ],
    [
      "AND('A.member', OR('B.peer','C.admin'))",
      '12161214080212020802120c120a080112020800120208011a0712050a014210031a0712050a014310011a0512030a0141',
    ],
    [
      "OutOf(2,'A.client','B.orderer','A.client')",
      '1210120e08021202080012020801120208021a0712050a014110021a0712050a014210041a0712050a01411002',
    ],
    [
      "outof(1, AND('A.member','B.member'), 'C.peer')",
      '121612140801120c120a08021202080012020801120208021a0512030a01411a0512030a01421a0712050a01431003',
    ],
    ["OutOf('2', 'A.peer','B.peer')", '120c120a080212020800120208011a0712050a014110031a0712050a01421003'],
    ["OutOf(0,'A.peer')", '12061204120208001a0712050a01411003'],
    ['OR("A.member")', '120812060801120208001a0512030a0141'],
  ])('%s is what Fabric makes of it', (text, bytesHex) => {
    expect(Buffer.from(parsePolicyExpression(text).serializeBinary()).toString('hex')).toBe(bytesHex);
  });

  it.each([
    ['', /AND, OR or OutOf is expected at the end/],
    ['AND()', /a principal such as 'Org1MSP.member', or another gate is expected before \)/],
    ["'A.member'", /AND, OR or OutOf is expected before A.member/],
    ["OR('A.member' 'B.member')", /a comma or a closing bracket is expected before B.member/],
    ["OR('A.king')", /'A.king' is no principal/],
    ["XOR('A.member')", /xor is none of AND, OR and OutOf/],
    ["OutOf(-1,'A.peer')", /character 7 \(-1,'A.peer\) is not understood/],
    ["OutOf('A.peer')", /OutOf takes first how many are needed/],
    ["OutOf(3,'A.peer','B.peer')", /OutOf asks for 3 of 2/],
    ["OR('A.member'", /a comma or a closing bracket is expected at the end/],
    ["OR('A.member'))", /nothing is expected after the last bracket/],
    [`${'OR('.repeat(60)}'A.member'${')'.repeat(60)}`, /nested more than 50 deep/],
  ])('%s is refused', (text, reason) => {
    expect(() => parsePolicyExpression(text)).toThrow(reason);
    expect(() => parsePolicyExpression(text)).toThrow(/^POLICY_INVALID: /);
  });
});

describe('quorumPolicy', () => {
  it('asks for peers of that many organisations', () => {
    expect(quorumPolicy(['A', 'B'], 2).toObject()).toEqual(parsePolicyExpression("AND('A.peer', 'B.peer')").toObject());
  });
});
