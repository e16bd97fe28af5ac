'use strict';
// Loaded before the baseline's chaincode on Fabric, whose peers know a chaincode service by the id of the package that
// told them where it listens. The baseline itself, which is frozen, names itself as the embedded ledger knows it.
//
//   BARE_PACKAGE_ID=bare_1.0:<SHA-256> node --require ./name-by-package.cjs bare-chaincode.cjs <host:port>
const { Shim } = require('fabric-shim');

const { server } = Shim;
Shim.server = (chaincode, options) => server.call(Shim, chaincode, { ...options, ccid: process.env.BARE_PACKAGE_ID });
