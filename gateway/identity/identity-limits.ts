/** Bounds of this folder, each with its unit and its reason. */

/** NIST SP 800-63B asks for 8 and more; a wallet is open to guessing off line once its file is stolen, so more here. */
export const PASSWORD_CHARACTERS_MIN = 12;
/** Long enough for any pass phrase, short enough that normalising it costs nothing. */
export const PASSWORD_CHARACTERS_MAX = 256;
/** Before normalising, which can make text shorter; in UTF-16 units. */
export const PASSWORD_LENGTH_MAX = 1_024;

/** Each takes 64 MiB while it runs. */
export const PASSWORD_KEYS_AT_ONCE = 2;
/** Beyond it a sign-in is told to come back: at about 0.12 s each, two at once, the last of these waits 4 s. */
export const PASSWORD_KEYS_WAITING_MAX = 64;
/** Sign-ins of one member run one after another, so that parallel guesses are counted before the next one starts. */
export const SIGN_INS_WAITING_PER_MEMBER_MAX = 8;

/** The first few cost nothing, because people mistype; this one locks. */
export const FAILURES_BEFORE_LOCK = 5;
export const FIRST_LOCK_MS = 30_000;
export const LONGEST_LOCK_MS = 15 * 60_000;
/** A member's failures are forgotten after this much quiet. */
export const FAILURES_FORGOTTEN_AFTER_MS = 24 * 3_600_000;
/** Names that do not exist are counted as well; the table keeps the newest. */
export const THROTTLE_ROWS_MAX = 10_000;

export const SESSION_LIFE_MS = 8 * 3_600_000;
/** Of one member; the oldest is ended when one more is opened. */
export const SESSIONS_PER_MEMBER_MAX = 20;
/** Ended sessions stay listed this long. */
export const ENDED_SESSIONS_KEPT_MS = 30 * 86_400_000;
/** A JWT of ours has about 400 characters. */
export const TOKEN_CHARACTERS_MAX = 2_048;
/** Expired sessions are swept this often, so that their keys leave the memory. */
export const SWEEP_INTERVAL_MS = 60_000;
