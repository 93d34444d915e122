import { createHash, randomBytes } from 'node:crypto';
import { isFromFuture, type Clock } from '../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Catalog, SessionRecord, TokenRecord, UserRecord } from '../catalog/catalog.ts';
import { patiently } from '../catalog/patiently.ts';
import { hashPassword, isPassword } from './password.ts';
import { isRole, type Action, type Grant, type Role } from './roles.ts';
import { createThrottle } from './throttle.ts';
import { newRecoveryCodes, newTotpSecret, totpStep } from './totp.ts';

/** Who asks, and what they may. */
export interface Principal {
  readonly kind: 'user' | 'token';
  readonly name: string;
  readonly grant: Grant;
  /** Of a session or a token: what to end. */
  readonly id: string;
  /** Of a token that ends; null: it does not, or its owner just signs in again. */
  readonly expiresAt: string | null;
}

export interface SignIn {
  name: string;
  password: string;
  /** Of the authenticator, or a recovery code. */
  code?: string | undefined;
  from: string;
  agent: string;
}

export interface Vouched {
  /** The same for the same person, whatever else changes; never that of another one. */
  subject: string;
  /** As the provider calls them. */
  name: string;
  role: Role;
  from: string;
  agent: string;
}

export interface NewToken {
  name: string;
  role: Role;
  sources: readonly string[] | null;
  actions: readonly Action[] | null;
  expiresAt: Date | null;
  by: string;
}

/** Users, sessions and tokens of this installation. One file because it is what stands between the world and the backups: to be read as a whole. */
export interface Access {
  createUser(user: { name: string; role: Role; password: string }): Promise<void>;
  setPassword(name: string, password: string): Promise<void>;
  setRole(name: string, role: Role): void;
  /** All of it or nothing. */
  changeUser(name: string, wanted: { role?: Role; password?: string; totp?: false }): Promise<void>;
  /** Refuses to remove the last admin, as `setRole` does. */
  removeUser(name: string): void;
  /** A new secret for an authenticator; in force once `confirmTotp` was given a code made with it. */
  beginTotp(name: string): { secret: string };
  /** Rejects with `LOGIN_CODE_WRONG`, or `TOTP_ON` when there is one already: that has to be turned off first. */
  confirmTotp(name: string, secret: string, code: string): Promise<{ recovery: string[] }>;
  removeTotp(name: string): void;
  /** Rejects with `LOGIN_WRONG`, `LOGIN_CODE_NEEDED`, `LOGIN_CODE_WRONG` or `LOGIN_THROTTLED`. */
  signIn(given: SignIn): Promise<{ secret: Secret; expiresAt: Date; principal: Principal }>;
  /** The password once more, before something that must not happen at an unattended screen. Rejects as `signIn` does. */
  confirm(given: Pick<SignIn, 'name' | 'password' | 'from'>): Promise<void>;
  /** For somebody a sign-in provider vouches for; the role is that which the provider's groups give now. */
  signInVouched(given: Vouched): { secret: Secret; expiresAt: Date; principal: Principal };
  /** Somebody whom the provider knows, and none of whose groups is let in any more: nowhere. */
  turnAway(subject: string): void;
  bySession(secret: string, from: string): Principal | null;
  signOut(id: string): void;
  createToken(token: NewToken): { secret: Secret; record: TokenRecord };
  byToken(secret: string, from: string): Principal | null;
  /** The one way in as long as there is no user: a token that is shown once, in the log of the daemon. Null when there is one. */
  newSetupToken(): string | null;
  /** Makes the first user, who is an admin. Rejects with `SETUP_OVER`, `SETUP_TOKEN_WRONG` or `LOGIN_THROTTLED`. */
  setUp(token: string, user: { name: string; password: string }, from: string): Promise<void>;
}

const sessionMs = 12 * 3_600_000;
const longestSessionMs = 7 * 24 * 3_600_000;
/** Written at most so often: a console asks every few seconds. */
const seenEveryMs = 60_000;
const noTotp = { totp: null, totpStep: null, recovery: [] };
const knownMs = 30 * 24 * 3_600_000;
const setupMark = 'setup';
const tokenPrefix = 'hf_';
/** Busy, full, broken or read-only: what was written before can still be read. */
const onlyUnwritten: ReadonlySet<string> = new Set(['CATALOG_BUSY', 'DISK_FULL', 'CATALOG_FAILED', 'NO_PERMISSION']);
const userName = /^[a-z0-9][a-z0-9._@+-]{0,62}$/;

export function openAccess({ catalog, clock }: { catalog: Catalog; clock: Clock }): Access {
  const throttle = createThrottle();
  const now = () => clock.now();
  const stamp = () => now().toISOString();
  /** Guessing is measured by the clock that nobody sets: of one that was ahead, everybody would have to wait. */
  const ticks = () => clock.monotonic();

  /** That it cannot be written keeps nobody out who only reads; it is written at the next sign of life. */
  const noteSeen = (write: () => void) => {
    try {
      catalog.briefly(write);
    } catch (error) {
      if (!onlyUnwritten.has(toHoldfastError(error).code)) throw error;
    }
  };
  const userNamed = (name: string): UserRecord => {
    const user = catalog.users.get(name);
    if (!user) throw userUnknown(name);
    return user;
  };
  /** Whoever knew the old secret is out. */
  const change = (name: string, changed: Partial<UserRecord>, keepSessions = false) =>
    catalog.atomically(() => {
      const user = userNamed(name);
      if (!keepSessions) catalog.sessions.removeOf(name);
      catalog.users.put({ ...user, ...changed, ...(keepSessions ? {} : { changedAt: stamp() }) });
    });
  const assertAdminLeft = (name: string) => {
    const others = catalog.users.list().filter((user) => user.role === 'admin' && user.name !== name);
    if (others.length > 0 || userNamed(name).role !== 'admin') return;
    throw new HoldfastError('LAST_ADMIN', `${name} is the only admin`, {
      kind: 'refused',
      hint: 'Make somebody else an admin first.',
    });
  };
  const addUser = async (
    { name, role, password }: { name: string; role: Role; password: string },
    stillRight: () => void = () => undefined,
  ) => {
    assertUserName(name);
    const hash = await hashPassword(password);
    catalog.atomically(() => {
      stillRight();
      if (catalog.users.get(name)) throw userExists(name);
      const at = stamp();
      catalog.users.put({
        name,
        role,
        password: hash,
        totp: null,
        totpStep: null,
        recovery: [],
        subject: null,
        createdAt: at,
        changedAt: at,
      });
    });
  };

  /** Nobody becomes somebody else by being called the same. */
  const freeName = (name: string, subject: string): string => {
    const plain =
      name
        .toLowerCase()
        .replaceAll(/[^a-z0-9._@+-]/g, '-')
        .replace(/^[^a-z0-9]+/, '')
        .slice(0, 48) || 'user';
    return catalog.users.get(plain) ? `${plain}-${digest(subject).slice(0, 8)}` : plain;
  };

  /** Strangers who guess must not keep its owner out: whoever came from there before is slowed down by what was tried there alone. */
  const throttleKeys = (name: string, from: string): string[] => {
    const since = new Date(now().getTime() - knownMs).toISOString();
    const before = catalog.audit.list({ who: name, action: 'signIn', limit: 500 });
    const known = before.some((each) => each.outcome === 'done' && each.from === from && each.at >= since);
    return known ? [`pair:${JSON.stringify([name, from])}`] : [`user:${name}`, `from:${from}`];
  };

  const checkPassword = async (name: string, password: string, keys: readonly string[]): Promise<UserRecord> => {
    const wait = throttle.wait(keys, ticks());
    if (wait > 0) throw throttled(wait);
    // Counted before it is known: many tries side by side would otherwise all be free.
    throttle.failed(keys, ticks());
    const user = catalog.users.get(name);
    const right = await isPassword(password, user?.password ?? null);
    if (!right || !user) throw loginWrong();
    throttle.forgive(keys);
    return user;
  };

  /** Whatever ends the sessions of somebody may have come between, while the password was looked at. */
  const openSession = (user: UserRecord, from: string, agent: string) => {
    const secret = newSecret();
    const at = now();
    const expiresAt = expiryOf(at, at);
    const hash = digest(secret);
    catalog.atomically(() => {
      if (catalog.users.get(user.name)?.changedAt !== user.changedAt) throw loginWrong();
      catalog.sessions.trim(at.toISOString());
      catalog.sessions.add({
        hash,
        user: user.name,
        createdAt: at.toISOString(),
        seenAt: at.toISOString(),
        expiresAt: expiresAt.toISOString(),
        from,
        agent: agent.slice(0, 200),
      });
    });
    return { secret: new Secret(secret), expiresAt, principal: userPrincipal(user, hash) };
  };

  /** The code of an authenticator or a recovery code, used up. */
  const useCode = (name: string, code: string): boolean =>
    catalog.atomically(() => {
      const user = userNamed(name);
      if (user.totp === null) return true;
      const step = totpStep(user.totp, code, now(), user.totpStep);
      if (step !== null) {
        catalog.users.put({ ...user, totpStep: step });
        return true;
      }
      const recovery = digest(code.trim().toLowerCase());
      if (!user.recovery.includes(recovery)) return false;
      catalog.users.put({ ...user, recovery: user.recovery.filter((each) => each !== recovery) });
      return true;
    });

  return {
    createUser: (user) => addUser(user),
    setPassword: async (name, password) => {
      userNamed(name);
      change(name, { password: await hashPassword(password) });
    },
    setRole: (name, role) => {
      if (role !== 'admin') assertAdminLeft(name);
      change(name, { role });
    },
    changeUser: async (name, { role, password, totp }) => {
      userNamed(name);
      const hash = password === undefined ? null : await hashPassword(password);
      catalog.atomically(() => {
        if (role !== undefined && role !== 'admin') assertAdminLeft(name);
        const keepSessions = role === undefined && hash === null;
        if (!keepSessions) catalog.sessions.removeOf(name);
        catalog.users.put({
          ...userNamed(name),
          ...(role === undefined ? {} : { role }),
          ...(hash === null ? {} : { password: hash }),
          ...(totp === false ? noTotp : {}),
          ...(keepSessions ? {} : { changedAt: stamp() }),
        });
      });
    },
    removeUser: (name) => {
      assertAdminLeft(name);
      catalog.users.remove(name);
    },
    beginTotp: (name) => {
      userNamed(name);
      return { secret: newTotpSecret() };
    },
    confirmTotp: async (name, secret, code) => {
      if (userNamed(name).totp !== null) throw totpOn();
      const step = totpStep(secret, code, now(), null);
      if (step === null) throw codeWrong();
      const recovery = newRecoveryCodes();
      change(name, { totp: secret, totpStep: step, recovery: recovery.map(digest) }, true);
      return { recovery };
    },
    removeTotp: (name) => change(name, noTotp, true),

    confirm: async ({ name, password, from }) => {
      await checkPassword(name, password, throttleKeys(name, from));
    },
    signIn: async ({ name, password, code, from, agent }) => {
      const keys = throttleKeys(name, from);
      const user = await checkPassword(name, password, keys);
      if (user.totp !== null) {
        if (code === undefined || code === '') throw codeNeeded();
        if (!(await patiently(catalog, () => useCode(name, code)))) {
          throttle.failed(keys, ticks());
          throw codeWrong();
        }
      }
      throttle.succeeded(keys);
      return patiently(catalog, () => openSession(user, from, agent));
    },
    signInVouched: ({ subject, name, role, from, agent }) => {
      const user = catalog.atomically(() => {
        const known = catalog.users.bySubject(subject);
        const at = stamp();
        if (known && known.role !== role) catalog.sessions.removeOf(known.name);
        const record: UserRecord = known
          ? { ...known, role, changedAt: known.role === role ? known.changedAt : at }
          : {
              name: freeName(name, subject),
              role,
              password: null,
              totp: null,
              totpStep: null,
              recovery: [],
              subject,
              createdAt: at,
              changedAt: at,
            };
        catalog.users.put(record);
        return record;
      });
      return openSession(user, from, agent);
    },
    turnAway: (subject) => {
      const known = catalog.users.bySubject(subject);
      if (known) change(known.name, {});
    },
    bySession: (secret, from) => {
      const session = catalog.sessions.get(digest(secret));
      const user = session && catalog.users.get(session.user);
      const at = now();
      if (!user || !isAlive(session, at)) return null;
      if (at.getTime() - Date.parse(session.seenAt) > seenEveryMs) {
        const expiresAt = expiryOf(new Date(session.createdAt), at);
        noteSeen(() => catalog.sessions.seen(session.hash, at.toISOString(), from, expiresAt.toISOString()));
      }
      return userPrincipal(user, session.hash);
    },
    signOut: (id) => catalog.sessions.remove(id),

    createToken: ({ name, role, sources, actions, expiresAt, by }) => {
      const secret = tokenPrefix + newSecret();
      const record: TokenRecord = {
        id: randomBytes(6).toString('hex'),
        name,
        hash: digest(secret),
        role,
        sources: sources && [...sources],
        actions: actions && [...actions],
        createdAt: stamp(),
        createdBy: by,
        expiresAt: expiresAt?.toISOString() ?? null,
        usedAt: null,
        usedFrom: null,
      };
      catalog.atomically(() => {
        if (catalog.tokens.list().some((token) => token.name === name)) throw tokenExists(name);
        catalog.tokens.add(record);
      });
      return { secret: new Secret(secret), record };
    },
    byToken: (secret, from) => {
      if (!secret.startsWith(tokenPrefix)) return null;
      const token = catalog.tokens.byHash(digest(secret));
      const at = now();
      if (!token || !isRole(token.role)) return null;
      if (token.expiresAt !== null && Date.parse(token.expiresAt) <= at.getTime()) return null;
      const isOld = (usedAt: string) => Math.abs(at.getTime() - Date.parse(usedAt)) > seenEveryMs;
      if (token.usedAt === null || token.usedFrom !== from || isOld(token.usedAt)) {
        noteSeen(() => catalog.tokens.used(token.id, at.toISOString(), from));
      }
      const { role, sources, actions } = token;
      return {
        kind: 'token',
        name: token.name,
        id: token.id,
        grant: { role, sources, actions: actions as Action[] | null },
        expiresAt: token.expiresAt,
      };
    },

    newSetupToken: () => {
      if (catalog.users.list().length > 0) return null;
      const secret = newSecret();
      catalog.marks.put({ name: setupMark, lastAttempt: stamp(), lastGood: null, detail: { hash: digest(secret) } });
      return secret;
    },
    setUp: async (token, { name, password }, from) => {
      const keys = [`setup:${from}`];
      const wait = throttle.wait(keys, ticks());
      if (wait > 0) throw throttled(wait);
      const assertRight = () => {
        if (catalog.users.list().length > 0) throw setupOver();
        const known = (catalog.marks.get(setupMark)?.detail as { hash?: string } | null)?.hash;
        if (known !== undefined && digest(token.trim()) === known) return;
        throttle.failed(keys, ticks());
        throw setupTokenWrong();
      };
      assertRight();
      // Once more at the end: two who come at the same time with the one token must not both become the first user.
      await addUser({ name, role: 'admin', password }, assertRight);
      catalog.marks.put({ name: setupMark, lastAttempt: null, lastGood: stamp(), detail: null });
    },
  };
}

/** One from the future was begun by a clock that was ahead, and would live on for as long as that was. */
function isAlive(session: SessionRecord | null, at: Date): session is SessionRecord {
  if (session === null || isFromFuture(session.createdAt, at)) return false;
  return Date.parse(session.expiresAt) > at.getTime();
}

/** Each sign of life prolongs it, but nobody stays in for ever. */
function expiryOf(createdAt: Date, seenAt: Date): Date {
  return new Date(Math.min(seenAt.getTime() + sessionMs, createdAt.getTime() + longestSessionMs));
}

function userPrincipal({ name, role }: UserRecord, id: string): Principal {
  const known = isRole(role) ? role : 'viewer';
  return { kind: 'user', name, id, grant: { role: known, sources: null, actions: null }, expiresAt: null };
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** They are long and random: nothing to guess, so nothing slow is needed. */
function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function assertUserName(name: string): void {
  if (userName.test(name)) return;
  throw new HoldfastError('USER_NAME', `"${name}" cannot be the name of a user`, {
    kind: 'usage',
    hint: 'Allowed are a-z, 0-9 and . _ @ + -, at most 63, beginning with a letter or digit.',
  });
}

function setupOver(): HoldfastError {
  return new HoldfastError('SETUP_OVER', 'this installation has users already', {
    kind: 'refused',
    hint: 'Sign in; whoever is admin can add others, and so can `holdfast user create`.',
  });
}

function setupTokenWrong(): HoldfastError {
  return new HoldfastError('SETUP_TOKEN_WRONG', 'this is not the setup token', {
    kind: 'refused',
    hint: 'The log of the daemon shows it at each start as long as there is no user.',
  });
}

export function userUnknown(name: string): HoldfastError {
  return new HoldfastError('USER_UNKNOWN', `there is no user ${name}`, {
    kind: 'usage',
    hint: '`holdfast user list` shows who there is.',
  });
}

function userExists(name: string): HoldfastError {
  return new HoldfastError('USER_EXISTS', `there is a user ${name} already`, {
    kind: 'usage',
    hint: 'Choose another name, or give that one a new password or role.',
  });
}

function tokenExists(name: string): HoldfastError {
  return new HoldfastError('TOKEN_EXISTS', `there is a token ${name} already`, {
    kind: 'usage',
    hint: 'Revoke it first, or choose another name.',
  });
}

/** Never which of the two was wrong. */
function loginWrong(): HoldfastError {
  return new HoldfastError('LOGIN_WRONG', 'name or password is wrong', {
    kind: 'refused',
    hint: 'Who has forgotten it gets a new one with `holdfast user passwd` on the server.',
  });
}

function codeNeeded(): HoldfastError {
  return new HoldfastError('LOGIN_CODE_NEEDED', 'the code of the authenticator is needed', {
    kind: 'refused',
    hint: 'Give `code` as well; a recovery code works, too.',
  });
}

function codeWrong(): HoldfastError {
  return new HoldfastError('LOGIN_CODE_WRONG', 'the code is wrong or was used already', {
    kind: 'refused',
    hint: 'Check the clock of the telephone; a recovery code works, too.',
  });
}

function totpOn(): HoldfastError {
  return new HoldfastError('TOTP_ON', 'the second factor is on already', {
    kind: 'refused',
    hint: 'Turn it off first; that takes the password.',
  });
}

function throttled(waitMs: number): HoldfastError {
  const seconds = Math.ceil(waitMs / 1000);
  return new HoldfastError('LOGIN_THROTTLED', 'there were too many wrong tries', {
    kind: 'busy',
    hint: `Try again in ${seconds} s.`,
    details: { seconds },
  });
}
