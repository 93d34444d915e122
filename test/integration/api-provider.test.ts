import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { freePort } from '../support/loopback.ts';
import { openBrowser, startSignInProvider, type SignInProvider } from '../support/sign-in-provider.ts';

let provider: SignInProvider;
let holdfast: Installation;
let served: Served;

beforeAll(async () => {
  const port = await freePort();
  provider = await startSignInProvider(`http://127.0.0.1:${port}/api/v1/session/callback`);
  provider.people.set('ada', { groups: ['staff', 'backup-admins'], email: 'ada@example.com' });
  provider.people.set('bob', { groups: ['staff'], email: 'bob@example.com' });
  provider.people.set('eve', { groups: ['strangers'], email: 'eve@example.com' });
  holdfast = await installHoldfast({
    url: 'postgres://nobody@127.0.0.1:9/shop',
    top: {
      server: {
        listen: `127.0.0.1:${port}`,
        provider: {
          name: 'Company',
          issuer: provider.issuer,
          ...provider.client,
          admins: ['backup-admins'],
          viewers: ['staff'],
        },
      },
    },
  });
  served = await serveHoldfast(holdfast);
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

/** As a person does it; where it ends, and with which session. */
async function signInAs(login: string) {
  const browser = openBrowser();
  const home = (url: string) => url.startsWith(`${served.base}/`) && !url.includes('/session/');
  let at = await browser.follow(`${served.base}/api/v1/session/provider`, home);
  for (const form of [{ prompt: 'login', login, password: 'any' }, { prompt: 'consent' }] as Record<string, string>[]) {
    expect(at.url).toContain(`${provider.issuer}/interaction/`);
    at = await browser.follow(at.url, home, form);
  }
  return { end: at.next, session: browser.cookie(served.base, 'holdfast_session'), response: at.response };
}

test('who the provider vouches for gets in with the role of their groups, again as the same person', async () => {
  expect(await served.client().entrance()).toEqual({ setUp: true, provider: 'Company' });
  const ada = await signInAs('ada');
  expect(ada.end).toBe(`${served.base}/`);
  expect(ada.response.headers.getSetCookie()[0]).toMatch(/^holdfast_session=\S+; Path=\/; HttpOnly; SameSite=Strict/);
  const api = served.client(undefined, { cookie: `holdfast_session=${ada.session}` });
  expect(await api.session()).toMatchObject({ name: 'ada', role: 'admin', kind: 'user' });
  const bob = await signInAs('bob');
  expect(await served.client(undefined, { cookie: `holdfast_session=${bob.session}` }).session()).toMatchObject({
    role: 'viewer',
  });

  provider.people.set('ada', { groups: ['staff'], email: 'ada@example.com' });
  const again = await signInAs('ada');
  expect(await served.client(undefined, { cookie: `holdfast_session=${again.session}` }).session()).toMatchObject({
    name: 'ada',
    role: 'viewer',
  });
  // Who was an admin before is one no longer, in no window.
  await expect(api.session()).rejects.toMatchObject({ status: 401 });
  const users = await holdfast.json<{ name: string; external: boolean }[]>('user', 'list');
  expect(users).toMatchObject([
    { name: 'ada', external: true },
    { name: 'bob', external: true },
  ]);
  await expect(served.client().signIn({ body: { name: 'ada', password: 'any password' } })).rejects.toMatchObject({
    code: 'LOGIN_WRONG',
  });
});

test('S24: who is in no group any more is out in every window, once the provider has said so', async () => {
  provider.people.set('zoe', { groups: ['backup-admins'], email: 'zoe@example.com' });
  const zoe = await signInAs('zoe');
  const api = served.client(undefined, { cookie: `holdfast_session=${zoe.session}` });
  expect(await api.session()).toMatchObject({ name: 'zoe', role: 'admin' });
  provider.people.set('zoe', { groups: [], email: 'zoe@example.com' });
  expect(await signInAs('zoe')).toMatchObject({ end: `${served.base}/?problem=PROVIDER_GROUP`, session: undefined });
  await expect(api.session()).rejects.toMatchObject({ status: 401 });
});

test('S24: who is in no group, comes with a foreign answer, or never began, stays outside', async () => {
  const eve = await signInAs('eve');
  expect(eve).toMatchObject({ end: `${served.base}/?problem=PROVIDER_GROUP`, session: undefined });
  const callback = `${served.base}/api/v1/session/callback?code=x&state=y&iss=${encodeURIComponent(provider.issuer)}`;
  const stranger = await fetch(callback, { redirect: 'manual' });
  expect(stranger.headers.get('location')).toBe('/?problem=PROVIDER_REFUSED');
  const browser = openBrowser();
  await browser.visit(`${served.base}/api/v1/session/provider`);
  const forged = await browser.visit(callback);
  expect(forged.response.headers.get('location')).toBe('/?problem=PROVIDER_REFUSED');
  expect(browser.cookie(served.base, 'holdfast_session')).toBeUndefined();
  expect(served.said()).not.toContain(provider.client.clientSecret);
});
