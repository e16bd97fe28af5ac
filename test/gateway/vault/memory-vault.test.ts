import { MemoryVault } from '../../../gateway/vault/memory-vault.js';
import { vaultConformance } from './vault-conformance.js';

const vault = new MemoryVault();
vaultConformance('MemoryVault', () => vault);
