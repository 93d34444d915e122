import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '../base/errors.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { openCatalog } from '../catalog/sqlite/sqlite-catalog.ts';
import { openAccess, type Access } from './access.ts';
import { codeAt } from './totp.ts';

const password = 'correct horse battery';
let folder: string;
let catalog: Catalog;
let access: Access;
let now: number;
/** By how much the clock was set by hand. */
let set: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-access-'));
  now = Date.parse('2026-01-01T00:00:00Z');
  set = 0;
  const clock = { now: () => new Date(now), monotonic: () => now - set };
  catalog = openCatalog(folder, clock);
  access = openAccess({ catalog, clock });
});
afterEach(() => {
  catalog[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const signIn = (more: object = {}) =>
  access.signIn({ name: 'ada', password, from: '10.0.0.1', agent: 'test', ...more });
const ada = () => access.createUser({ name: 'ada', role: 'admin', password });

const reader = { role: 'viewer', sources: null, actions: null, expiresAt: null, by: 'test' } as const;

describe('sign-in (S24)', () => {
  test('opens a session that is known until it ends, idle or not', async () => {
    await ada();
    const { secret, principal } = await signIn();
    expect(principal).toMatchObject({ kind: 'user', name: 'ada', grant: { role: 'admin' } });
    expect(access.bySession(secret.reveal(), '10.0.0.1')).toMatchObject({ name: 'ada' });
    expect(JSON.stringify(catalog.sessions.list('ada'))).not.toContain(secret.reveal());
    for (let hours = 0; hours < 6 * 24; hours += 11) {
      now += 11 * 3_600_000;
      expect(access.bySession(secret.reveal(), '10.0.0.1'), `after ${hours} hours`).not.toBeNull();
    }
    now += 36 * 3_600_000;
    expect(access.bySession(secret.reveal(), '10.0.0.1')).toBeNull();
  });

  test('an idle session ends, a signed out one at once, another user’s never begins', async () => {
    await ada();
    const idle = await signIn();
    now += 13 * 3_600_000;
    expect(access.bySession(idle.secret.reveal(), 'x')).toBeNull();
    const ended = await signIn();
    access.signOut(ended.principal.id);
    expect(access.bySession(ended.secret.reveal(), 'x')).toBeNull();
    expect(access.bySession('', 'x')).toBeNull();
    expect(access.bySession('guess', 'x')).toBeNull();
  });

  test.each(['DISK_FULL', 'CATALOG_BUSY', 'CATALOG_FAILED', 'NO_PERMISSION'])(
    'a sign of life that cannot be written (%s) keeps nobody out who only reads',
    async (code) => {
      await ada();
      const { secret } = await signIn();
      const token = access.createToken({ ...reader, name: 'reads' }).secret;
      const fail = () => {
        throw new HoldfastError(code, 'not written');
      };
      const broken = {
        ...catalog,
        sessions: { ...catalog.sessions, seen: fail },
        tokens: { ...catalog.tokens, used: fail },
      };
      const later = openAccess({ catalog: broken, clock: { now: () => new Date(now), monotonic: () => now } });
      now += 5 * 60_000;
      expect(later.bySession(secret.reveal(), '10.0.0.1')).toMatchObject({ name: 'ada' });
      expect(later.byToken(token.reveal(), '10.0.0.1')).toMatchObject({ name: 'reads' });
    },
  );

  describe('a clock that was a year ahead and is set right', () => {
    const year = 365 * 86_400_000;
    const setClock = (ms: number) => {
      now += ms;
      set += ms;
    };
    const right = () => setClock(-year);
    beforeEach(() => setClock(year));

    test('keeps nobody out who was made, or got a new password, under it', async () => {
      await ada();
      await access.setPassword('ada', password);
      right();
      const { secret } = await signIn();
      expect(access.bySession(secret.reveal(), '10.0.0.1')).toMatchObject({ name: 'ada' });
    });

    test('lets nobody wait for a slip of the pen', async () => {
      await ada();
      await expect(signIn({ password: 'wrong password' })).rejects.toMatchObject({ code: 'LOGIN_WRONG' });
      right();
      await expect(signIn()).resolves.toMatchObject({ principal: { name: 'ada' } });
    });

    test('lets authenticators in, and each code still works once', async () => {
      await ada();
      const { secret } = access.beginTotp('ada');
      await access.confirmTotp('ada', secret, codeAt(secret, Math.floor(now / 30_000)));
      right();
      const code = codeAt(secret, Math.floor(now / 30_000));
      await expect(signIn({ code })).resolves.toMatchObject({ principal: { name: 'ada' } });
      await expect(signIn({ code })).rejects.toMatchObject({ code: 'LOGIN_CODE_WRONG' });
    });

    test('leaves no session open for that year', async () => {
      await ada();
      const { secret } = await signIn();
      right();
      expect(access.bySession(secret.reveal(), '10.0.0.1')).toBeNull();
    });

    test('still shows when a token was used last', async () => {
      const { secret } = access.createToken({
        name: 'ci',
        role: 'viewer',
        sources: null,
        actions: null,
        expiresAt: null,
        by: 'ada',
      });
      access.byToken(secret.reveal(), '10.0.0.1');
      right();
      access.byToken(secret.reveal(), '10.0.0.1');
      expect(catalog.tokens.list()[0]?.usedAt).toBe(new Date(now).toISOString());
    });
  });

  test('a password that is changed while somebody signs in with the old one lets nobody in', async () => {
    await ada();
    const entering = signIn();
    const user = catalog.users.get('ada');
    if (!user) throw new Error('there is ada');
    now += 1;
    catalog.users.put({ ...user, changedAt: new Date(now).toISOString() });
    await expect(entering).rejects.toMatchObject({ code: 'LOGIN_WRONG' });
  });

  test('an unknown name and a wrong password are told the same', async () => {
    await ada();
    const wrong = await signIn({ password: 'wrong password' }).catch((error: unknown) => error);
    const unknown = await signIn({ name: 'eve' }).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: 'LOGIN_WRONG' });
    expect(String(unknown)).toBe(String(wrong));
  });

  test('guessing is slowed down, for the name and for where it comes from, and the right password waits, too', async () => {
    await ada();
    for (let tries = 0; tries < 5; tries += 1) {
      await expect(signIn({ password: 'wrong password' })).rejects.toMatchObject({ code: 'LOGIN_WRONG' });
    }
    await expect(signIn()).rejects.toMatchObject({ code: 'LOGIN_THROTTLED' });
    await expect(signIn({ from: '10.0.0.2' })).rejects.toMatchObject({ code: 'LOGIN_THROTTLED' });
    now += 2_000;
    await expect(signIn()).resolves.toMatchObject({ principal: { name: 'ada' } });
  });

  test('a stranger who guesses does not keep out whoever has come from the same address before', async () => {
    await ada();
    const at = (days: number) => new Date(now - days * 86_400_000).toISOString();
    const note = (from: string, outcome: 'done' | 'refused', days: number) =>
      catalog.audit.add({
        at: at(days),
        who: 'ada',
        via: 'none',
        from,
        action: 'signIn',
        source: null,
        target: null,
        run: null,
        outcome,
        detail: null,
      });
    note('10.0.0.1', 'done', 29);
    note('10.0.0.2', 'done', 31);
    note('10.0.0.3', 'refused', 1);
    for (let tries = 0; tries < 6; tries += 1)
      await signIn({ password: 'guess', from: '198.51.100.1' }).catch(() => undefined);
    await signIn();
    for (const from of ['10.0.0.2', '10.0.0.3', '10.0.0.4'])
      await expect(signIn({ from })).rejects.toMatchObject({ code: 'LOGIN_THROTTLED' });
    // There, too, guessing is slowed down.
    for (let tries = 0; tries < 6; tries += 1) await signIn({ password: 'guess' }).catch(() => undefined);
    await expect(signIn()).rejects.toMatchObject({ code: 'LOGIN_THROTTLED' });
  });

  test('tries side by side are counted as well', async () => {
    await ada();
    const tries = await Promise.allSettled(Array.from({ length: 12 }, () => signIn({ password: 'wrong password' })));
    const codes = tries.map((each) => (each.status === 'rejected' ? (each.reason as { code: string }).code : 'in'));
    expect(codes.filter((code) => code === 'LOGIN_WRONG')).toHaveLength(5);
    expect(codes.filter((code) => code === 'LOGIN_THROTTLED')).toHaveLength(7);
  });

  test('changing the password or the role ends the sessions', async () => {
    await ada();
    await access.createUser({ name: 'bob', role: 'admin', password });
    const before = await signIn();
    now += 1;
    await access.setPassword('ada', 'another long password');
    expect(access.bySession(before.secret.reveal(), 'x')).toBeNull();
    await expect(signIn()).rejects.toMatchObject({ code: 'LOGIN_WRONG' });
    const after = await signIn({ password: 'another long password' });
    now += 1;
    access.setRole('ada', 'viewer');
    expect(access.bySession(after.secret.reveal(), 'x')).toBeNull();
  });
});

describe('the second factor', () => {
  const step = () => Math.floor(now / 30_000);
  async function withTotp() {
    await ada();
    const { secret } = access.beginTotp('ada');
    const { recovery } = await access.confirmTotp('ada', secret, codeAt(secret, step()));
    now += 60_000;
    return { secret, recovery };
  }

  test('is asked for once it was confirmed, and each code works once', async () => {
    const { secret } = await withTotp();
    await expect(signIn()).rejects.toMatchObject({ code: 'LOGIN_CODE_NEEDED' });
    const code = codeAt(secret, step());
    await expect(signIn({ code })).resolves.toMatchObject({ principal: { name: 'ada' } });
    await expect(signIn({ code })).rejects.toMatchObject({ code: 'LOGIN_CODE_WRONG' });
  });

  test('guessing codes is slowed down as well', async () => {
    await withTotp();
    for (let tries = 0; tries < 5; tries += 1) {
      await expect(signIn({ code: '000000' })).rejects.toMatchObject({ code: 'LOGIN_CODE_WRONG' });
    }
    await expect(signIn({ code: '000000' })).rejects.toMatchObject({ code: 'LOGIN_THROTTLED' });
  });

  test('a recovery code works once, in any case and with spaces around', async () => {
    const { recovery } = await withTotp();
    const code = ` ${recovery[0]?.toUpperCase()} `;
    await expect(signIn({ code })).resolves.toMatchObject({ principal: { name: 'ada' } });
    await expect(signIn({ code })).rejects.toMatchObject({ code: 'LOGIN_CODE_WRONG' });
    expect(JSON.stringify(catalog.users.get('ada'))).not.toContain(recovery[1]);
  });

  test('is not in force before a code proved it, and can be taken away', async () => {
    await ada();
    const { secret } = access.beginTotp('ada');
    await expect(access.confirmTotp('ada', secret, '000000')).rejects.toMatchObject({ code: 'LOGIN_CODE_WRONG' });
    await expect(signIn()).resolves.toBeDefined();
    await access.confirmTotp('ada', secret, codeAt(secret, step()));
    const other = access.beginTotp('ada').secret;
    await expect(access.confirmTotp('ada', other, codeAt(other, step()))).rejects.toMatchObject({ code: 'TOTP_ON' });
    access.removeTotp('ada');
    await expect(signIn()).resolves.toBeDefined();
  });
});

describe('somebody a provider vouches for', () => {
  const vouched = {
    subject: 'https://login.example.com 1',
    name: 'Ada',
    role: 'operator',
    from: 'x',
    agent: 't',
  } as const;

  test('is the same person by their subject, whatever they are called, and never a user of the same name', async () => {
    await ada();
    const first = access.signInVouched(vouched);
    expect(first.principal.name).toMatch(/^ada-[0-9a-f]{8}$/);
    expect(first.principal.grant.role).toBe('operator');
    expect(access.signInVouched({ ...vouched, name: 'Somebody' }).principal.name).toBe(first.principal.name);
    expect(access.signInVouched({ ...vouched, subject: 'https://login.example.com 2' }).principal.name).not.toBe(
      first.principal.name,
    );
    expect(catalog.users.get('ada')).toMatchObject({ role: 'admin', subject: null });
    await expect(signIn({ name: first.principal.name })).rejects.toMatchObject({ code: 'LOGIN_WRONG' });
  });

  test('another role ends the sessions of before', () => {
    const before = access.signInVouched(vouched);
    now += 1;
    const after = access.signInVouched({ ...vouched, role: 'viewer' });
    expect(access.bySession(before.secret.reveal(), 'x')).toBeNull();
    expect(access.bySession(after.secret.reveal(), 'x')).toMatchObject({ grant: { role: 'viewer' } });
  });
});

describe('tokens', () => {
  const token = {
    name: 'ci',
    role: 'operator',
    sources: ['shop'],
    actions: ['backup'],
    expiresAt: null,
    by: 'ada',
  } as const;

  test('are shown once, kept as a hash, remembered when used', () => {
    const { secret, record } = access.createToken(token);
    expect(JSON.stringify(catalog.tokens.list())).not.toContain(secret.reveal());
    expect(access.byToken(secret.reveal(), '10.0.0.9')).toMatchObject({
      kind: 'token',
      name: 'ci',
      grant: { role: 'operator', sources: ['shop'], actions: ['backup'] },
    });
    expect(catalog.tokens.list()).toMatchObject([{ usedAt: new Date(now).toISOString(), usedFrom: '10.0.0.9' }]);
    expect(catalog.tokens.remove(record.id)).toBe(true);
    expect(access.byToken(secret.reveal(), 'x')).toBeNull();
  });

  test('end when they expire; others are refused', () => {
    const { secret } = access.createToken({ ...token, expiresAt: new Date(now + 1000) });
    expect(access.byToken(secret.reveal(), 'x')).not.toBeNull();
    now += 1000;
    expect(access.byToken(secret.reveal(), 'x')).toBeNull();
    for (const wrong of ['', 'hf_', 'hf_guess', secret.reveal().slice(0, -1)])
      expect(access.byToken(wrong, 'x')).toBeNull();
    expect(() => access.createToken(token)).toThrow(expect.objectContaining({ code: 'TOKEN_EXISTS' }));
  });
});

describe('the first user', () => {
  test('is made with the setup token, once', async () => {
    const first = access.newSetupToken() ?? '';
    const again = access.newSetupToken() ?? '';
    await expect(access.setUp(first, { name: 'ada', password }, 'x')).rejects.toMatchObject({
      code: 'SETUP_TOKEN_WRONG',
    });
    await access.setUp(again, { name: 'ada', password }, 'x');
    expect(catalog.users.get('ada')).toMatchObject({ role: 'admin' });
    expect(access.newSetupToken()).toBeNull();
    await expect(access.setUp(again, { name: 'eve', password }, 'x')).rejects.toMatchObject({ code: 'SETUP_OVER' });
  });

  test('two with the one token at the same time: only one becomes the first user', async () => {
    const token = access.newSetupToken() ?? '';
    const both = await Promise.allSettled(['ada', 'eve'].map((name) => access.setUp(token, { name, password }, 'x')));
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(catalog.users.list()).toHaveLength(1);
  });

  test('guessing the setup token is slowed down', async () => {
    access.newSetupToken();
    const guess = () => access.setUp('guess', { name: 'eve', password }, 'x');
    for (let tries = 0; tries < 5; tries += 1)
      await expect(guess()).rejects.toMatchObject({ code: 'SETUP_TOKEN_WRONG' });
    await expect(guess()).rejects.toMatchObject({ code: 'LOGIN_THROTTLED' });
  });

  test('without a token that was shown nobody gets in', async () => {
    await expect(access.setUp('', { name: 'eve', password }, 'x')).rejects.toMatchObject({ code: 'SETUP_TOKEN_WRONG' });
  });

  test('the last admin can neither go nor become less', async () => {
    await ada();
    expect(() => access.removeUser('ada')).toThrow(expect.objectContaining({ code: 'LAST_ADMIN' }));
    expect(() => access.setRole('ada', 'viewer')).toThrow(expect.objectContaining({ code: 'LAST_ADMIN' }));
    await access.createUser({ name: 'bob', role: 'admin', password });
    access.removeUser('ada');
    await expect(signIn()).rejects.toMatchObject({ code: 'LOGIN_WRONG' });
  });

  test.each(['', 'Ada', '../x', 'a b', `a'; drop`, 'x'.repeat(64)])(
    'S18 a hostile name is refused: %s',
    async (name) => {
      await expect(access.createUser({ name, role: 'admin', password })).rejects.toMatchObject({ code: 'USER_NAME' });
    },
  );
});
