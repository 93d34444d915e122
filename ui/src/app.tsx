import { Center, Container, Loader } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Activity as Kept, lazy, Suspense, useEffect, useEffectEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Route, Switch, useLocation } from 'wouter';
import type { RunView } from '../../src/api/contract.ts';
import { call, Problem } from './api/client.ts';
import { SessionContext } from './api/session.ts';
import { isWaitedFor, takeWayBack, tellSignedIn } from './api/sign-in.ts';
import { useEvents } from './api/events.ts';
import { LiveContext } from './api/live.ts';
import { Entry } from './pages/entry.tsx';
import { Boundary } from './parts/boundary.tsx';
import { Frame } from './parts/frame.tsx';
import { LinkButton } from './parts/link-button.tsx';
import { Page } from './parts/page.tsx';
import { useRunWords } from './parts/run-words.ts';
import { useToasts } from './parts/toasts.tsx';
import { Empty, Failure, Loading } from './parts/shown.tsx';

// Each page is loaded when it is first looked at.
const Overview = lazy(() => import('./pages/overview.tsx').then(({ Overview: page }) => ({ default: page })));
const Source = lazy(() => import('./pages/source.tsx').then(({ Source: page }) => ({ default: page })));
const Backup = lazy(() => import('./pages/backup.tsx').then(({ Backup: page }) => ({ default: page })));
const Restore = lazy(() => import('./pages/restore.tsx').then(({ Restore: page }) => ({ default: page })));
const Activity = lazy(() => import('./pages/activity.tsx').then(({ Activity: page }) => ({ default: page })));
const Run = lazy(() => import('./pages/run.tsx').then(({ Run: page }) => ({ default: page })));
const Alerts = lazy(() => import('./pages/alerts.tsx').then(({ Alerts: page }) => ({ default: page })));
const Access = lazy(() => import('./pages/access.tsx').then(({ Access: page }) => ({ default: page })));
const Settings = lazy(() => import('./pages/settings.tsx').then(({ Settings: page }) => ({ default: page })));
const Audit = lazy(() => import('./pages/audit.tsx').then(({ Audit: page }) => ({ default: page })));

/** Who is signed in sees the pages; everybody else the entrance. */
export function App() {
  const session = useQuery({
    queryKey: ['session'],
    queryFn: ({ signal }) => call('GET', '/session', { signal }),
    retry: false,
  });
  useArrival(session.data !== undefined);
  if (session.isPending) return <Waiting />;
  const isOut = session.error instanceof Problem && session.error.status === 401;
  if (!session.data)
    return isOut ? (
      <Entry />
    ) : (
      <Container py="xl" component="main">
        <Failure error={session.error} again={() => void session.refetch()} busy={session.isFetching} />
      </Container>
    );
  return (
    <>
      {isOut ? <Entry /> : null}
      {/* Whose session has ended finds the page as it was left, with what was typed; somebody else begins anew. */}
      <Kept mode={isOut ? 'hidden' : 'visible'}>
        <SessionContext value={session.data}>
          <Pages key={session.data.name} />
        </SessionContext>
      </Kept>
    </>
  );
}

/** Who comes with a session may come from the provider's page. */
function useArrival(isIn: boolean): void {
  const { t } = useTranslation();
  const toasts = useToasts();
  const [, go] = useLocation();
  const arrive = useEffectEvent(() => {
    const way = takeWayBack();
    if (way !== null) go(way, { replace: true });
    else if (window.location.pathname === '/' && isWaitedFor()) toasts.done(t('entry.goesOn'));
    tellSignedIn();
  });
  useEffect(() => {
    if (isIn) arrive();
  }, [isIn]);
}

function Pages() {
  const live = useEvents(useTellEnd());
  const [location] = useLocation();
  return (
    <LiveContext value={live}>
      <Frame live={live}>
        <Boundary key={location}>
          <Suspense fallback={<Loading lines={6} />}>
            <Switch>
              <Route path="/" component={Overview} />
              <Route path="/sources/:source" component={Source} />
              <Route path="/sources/:source/:id" component={Backup} />
              <Route path="/restore" component={Restore} />
              <Route path="/activity" component={Activity} />
              <Route path="/activity/:run" component={Run} />
              <Route path="/alerts" component={Alerts} />
              <Route path="/access" component={Access} />
              <Route path="/settings" component={Settings} />
              <Route path="/audit" component={Audit} />
              <Route component={Nowhere} />
            </Switch>
          </Suspense>
        </Boundary>
      </Frame>
    </LiveContext>
  );
}

/** How what was begun on this page has ended, wherever one is by then. */
function useTellEnd(): (run: RunView) => void {
  const { t } = useTranslation();
  const { operation } = useRunWords();
  const toasts = useToasts();
  const queries = useQueryClient();
  return (run) => {
    // What was found before may be mended by it, and the next look of the daemon is some minutes away.
    void call('GET', '/check', { query: { fresh: 'true' } })
      .then((check) => queries.setQueryData(['check'], check))
      .catch(() => undefined);
    const what = { operation: operation(run.operation), source: run.source ?? '' };
    if (run.state === 'succeeded') toasts.done(t('run.done', what));
    else if (run.error === null) toasts.begun(t('run.ended', { ...what, state: t(`states.${run.state}`) }));
    else
      toasts.failed(
        new Problem(500, { code: run.error.code, detail: run.error.message, hint: run.error.hint }),
        t('run.ended', { ...what, state: t(`states.${run.state}`) }),
      );
  };
}

function Nowhere() {
  const { t } = useTranslation();
  return (
    <Page title={t('nowhere.title')}>
      <Empty
        title={t('nowhere.title')}
        text={t('nowhere.text')}
        action={<LinkButton to="/">{t('nav.overview')}</LinkButton>}
      />
    </Page>
  );
}

function Waiting() {
  const { t } = useTranslation();
  return (
    <Center mih="60vh">
      <Loader role="status" aria-label={t('state.loading')} />
    </Center>
  );
}
