import { randomBytes } from 'node:crypto';
import type { Configuration, IDToken, UserInfoResponse } from 'openid-client';
import type { Role } from '../../access/roles.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { fromOf } from '../asker.ts';
import { cookieText, readCookie, sessionCookie, sessionSeconds } from '../authenticate.ts';
import type { ProviderSettings } from '../options.ts';
import type { Call, Handlers } from '../register.ts';
import type { ApiParts } from './parts.ts';

/** What was agreed on with the provider before somebody was sent there. */
interface Errand {
  state: string;
  nonce: string;
  verifier: string;
  at: number;
}

const errandCookie = 'holdfast_errand';
const errandSeconds = 600;
/** Whoever begins and never comes back must not fill the memory. */
const mostErrands = 1000;
const way = '/api/v1/session/callback';

/** Sign-in by OpenID Connect: code with PKCE, state and nonce; the provider's groups give the role. */
export function providerHandlers(parts: ApiParts): Pick<Handlers, 'enterProvider' | 'leaveProvider'> {
  const { provider, house, access, publicUrl } = parts;
  const { catalog, clock, logger } = house;
  const errands = new Map<string, Errand>();
  let found: Promise<Configuration> | null = null;
  const configuration = async (settings: ProviderSettings): Promise<Configuration> => {
    found ??= discover(settings);
    try {
      return await found;
    } catch (error) {
      found = null;
      throw new HoldfastError('PROVIDER_UNREACHABLE', 'the provider of the sign-in does not answer as it should', {
        cause: error,
        retryable: true,
        hint: 'See `server.provider.issuer`; /.well-known/openid-configuration below it must answer.',
      });
    }
  };
  const base = ({ request }: Call) =>
    publicUrl?.replace(/\/$/, '') ?? `${request.protocol}://${request.headers.host ?? ''}`;
  const secure = (call: Call) => base(call).startsWith('https:');
  const setCookies = (call: Call, ...cookies: string[]) => call.reply.header('set-cookie', cookies);
  const dropErrand = (call: Call) =>
    cookieText(errandCookie, null, { seconds: 0, path: way, site: 'Lax', secure: secure(call) });

  const enter = async (call: Call, settings: ProviderSettings): Promise<void> => {
    const id = readCookie(call.request, errandCookie) ?? '';
    const errand = errands.get(id);
    errands.delete(id);
    if (!errand || clock.now().getTime() - errand.at > errandSeconds * 1000) throw errandLost();
    const { authorizationCodeGrant, fetchUserInfo } = await import('openid-client');
    const config = await configuration(settings);
    const tokens = await authorizationCodeGrant(config, new URL(call.request.url, base(call)), {
      pkceCodeVerifier: errand.verifier,
      expectedState: errand.state,
      expectedNonce: errand.nonce,
      idTokenExpected: true,
    });
    const own = tokens.claims();
    if (!own) throw errandLost();
    const more = config.serverMetadata().userinfo_endpoint
      ? await fetchUserInfo(config, tokens.access_token, own.sub)
      : null;
    const claims = { ...own, ...more };
    const name = [claims.preferred_username, claims.email, claims.sub].find((text) => typeof text === 'string') ?? '';
    const role = roleOf(claims, settings);
    const subject = `${own.iss} ${own.sub}`;
    if (role === null) {
      access.turnAway(subject);
      note(call, name.slice(0, 200), 'refused', 'PROVIDER_GROUP');
      throw notLetIn();
    }
    const agent = call.request.headers['user-agent'] ?? '';
    const from = fromOf(call.request);
    const { secret, principal } = access.signInVouched({ subject, name, role, from, agent });
    const facts = { seconds: sessionSeconds, path: '/', site: 'Strict', secure: secure(call) } as const;
    setCookies(call, cookieText(sessionCookie, secret.reveal(), facts), dropErrand(call));
    note(call, principal.name, 'done', null);
  };
  const note = ({ request }: Call, who: string, outcome: 'done' | 'refused', detail: string | null) =>
    catalog.audit.add({
      at: clock.now().toISOString(),
      who,
      via: 'none',
      from: fromOf(request),
      action: 'signIn',
      source: null,
      target: null,
      run: null,
      outcome,
      detail,
    });

  return {
    enterProvider: async (call) => {
      const settings = assertProvider(provider);
      const config = await configuration(settings);
      const oidc = await import('openid-client');
      const errand = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
        at: clock.now().getTime(),
      };
      const id = randomBytes(24).toString('base64url');
      errands.set(id, errand);
      for (const oldest of errands.keys()) if (errands.size > mostErrands) errands.delete(oldest);
      const address = oidc.buildAuthorizationUrl(config, {
        redirect_uri: base(call) + way,
        scope: 'openid profile email',
        code_challenge: await oidc.calculatePKCECodeChallenge(errand.verifier),
        code_challenge_method: 'S256',
        state: errand.state,
        nonce: errand.nonce,
      });
      // Lax: the provider's page leads back here, which counts as a foreign one.
      const facts = { seconds: errandSeconds, path: way, site: 'Lax', secure: secure(call) } as const;
      setCookies(call, cookieText(errandCookie, id, facts));
      void call.reply.redirect(address.href, 302);
    },
    leaveProvider: async (call) => {
      const settings = assertProvider(provider);
      try {
        await enter(call, settings);
        void call.reply.redirect('/', 302);
      } catch (error) {
        const known = toHoldfastError(error);
        const code = known.code === 'UNEXPECTED' ? 'PROVIDER_REFUSED' : known.code;
        logger.log('warn', `a sign-in by ${settings.name} came to nothing: ${known.message}`);
        setCookies(call, dropErrand(call));
        // A person in a browser is there, not a program.
        void call.reply.redirect(`/?problem=${code}`, 302);
      }
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: ProviderSettings): Promise<Configuration> {
  // oxlint-disable-next-line typescript/no-deprecated -- marked so that it stands out; the configuration allows http for this machine only
  const { allowInsecureRequests, discovery } = await import('openid-client');
  const execute = issuer.startsWith('http:') ? [allowInsecureRequests] : [];
  return discovery(new URL(issuer), clientId, clientSecret, undefined, { execute, timeout: 10 });
}

/** The most that one of somebody's groups gives. */
function roleOf(claims: Partial<IDToken & UserInfoResponse>, settings: ProviderSettings): Role | null {
  const said = claims[settings.groupsClaim];
  const groups = (Array.isArray(said) ? said : [said]).filter((group) => typeof group === 'string');
  const isIn = (wanted: readonly string[]) => groups.some((group) => wanted.includes(group));
  if (isIn(settings.admins)) return 'admin';
  if (isIn(settings.operators)) return 'operator';
  return isIn(settings.viewers) ? 'viewer' : settings.everybody;
}

function assertProvider(provider: ProviderSettings | null): ProviderSettings {
  if (provider) return provider;
  throw new HoldfastError('PROVIDER_NONE', 'no provider for the sign-in is configured', {
    kind: 'usage',
    hint: 'Sign in with name and password, or set `server.provider`.',
  });
}

function errandLost(): HoldfastError {
  return new HoldfastError('PROVIDER_REFUSED', 'this sign-in was not begun here, or took too long', {
    kind: 'refused',
    hint: 'Go back to the console and begin it again.',
  });
}

function notLetIn(): HoldfastError {
  return new HoldfastError('PROVIDER_GROUP', 'the person is in none of the groups that are let in', {
    kind: 'refused',
    hint: 'See `server.provider`: admins, operators, viewers and everybody.',
  });
}
