/** Every bound of the rules, in one place. A number without a source is our choice; its reason stands beside it. */

/** Records of one `records:add` call: one entry of the lane, one transaction. */
export const RECORDS_PER_BATCH_MAX = 200;
/** Records stored under one key: few, fat keys. A peer that takes no batches is sent one at a time (about 60 µs each). */
export const RECORDS_PER_SET_MAX = 25;
/** Records of one `access:open` call. */
export const OPENINGS_PER_CALL_MAX = 100;
/** Live grants of one patient to one grantee: the decision reads each of them. */
export const GRANTS_PER_GRANTEE_MAX = 50;
/** Ten years: long enough for a family doctor, short enough that nobody is forgotten for ever. */
export const GRANT_DURATION_MAX_MS = 10 * 366 * 24 * 3600 * 1000;
/** Care groups, representations and delegations of one patient, each. */
export const CONSENT_ITEMS_MAX = 50;
export const GROUP_MEMBERS_MAX = 50;
export const EXCLUSIONS_MAX = 100;
export const GRANT_USES_MAX = 1_000_000;
export const SCOPE_CLASSES_MAX = 50;
export const SCOPE_RECORDS_MAX = 500;
export const REGISTER_MEMBERS_MAX = 1000;
export const PAGE_ITEMS_MAX = 200;
/** Entries one verification query walks before it hands back where to go on. */
export const VERIFY_ENTRIES_PER_CALL_MAX = 500;

/** One business argument; a batch of 200 records needs about 110 KiB. */
export const BUSINESS_JSON_CHARACTERS_MAX = 256 * 1024;
export const PROOF_JSON_CHARACTERS_MAX = 1024;
export const JSON_DEPTH_MAX = 16;
export const ID_CHARACTERS_MAX = 64;
export const CLASS_CHARACTERS_MAX = 64;
export const CID_CHARACTERS_MAX = 128;
export const NAME_CHARACTERS_MAX = 200;

/** Expected hashes of a new lane's first entries (about 1 ms of one core). */
export const DIFFICULTY_INITIAL = 2 ** 12;
export const DIFFICULTY_MIN = 2 ** 8;
export const DIFFICULTY_MAX = 2 ** 20;
/** Entries between two retargets; 2016 in Bitcoin, smaller here because a lane belongs to one actor and one patient. */
export const RETARGET_ENTRIES = 64;
export const RETARGET_FACTOR_MAX = 4;
/** Default of the on-chain configuration: one entry in ten seconds. */
export const TARGET_INTERVAL_MS = 10_000;

/** A lane of at most this many entries is checked whole at each write. */
export const WHOLE_LANE_CHECK_ENTRIES_MAX = 16;
/** Sequences are padded to this width in keys, so that key order is entry order. */
export const SEQUENCE_DIGITS = 10;

/** How old a committed opening may be when a custodian is asked for its share. */
export const RELEASE_AGE_MAX_MS = 120_000;
/** How long an auditor may read a patient's log after the entry that announces it. */
export const LOG_READING_MAX_MS = 600_000;
/** How long a declared emergency opens records. */
export const EMERGENCY_DURATION_MAX_MS = 4 * 3600 * 1000;
/** How far the clock of who declares may be from the entry's time: as far as peers allow a proposal's. */
export const EMERGENCY_SKEW_MAX_MS = 120_000;
/** By when a second person must have reviewed it. */
export const REVIEW_DUE_MS = 72 * 3600 * 1000;
/** Emergencies of one actor that nobody has reviewed yet. */
export const OPEN_EMERGENCIES_MAX = 20;
