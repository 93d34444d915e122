import { Alert, Card, Stack, Text } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../api/client.ts';
import { StateBadge } from '../parts/badge.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Said } from '../parts/said.tsx';
import { Shown } from '../parts/shown.tsx';
import { Time } from '../parts/time.tsx';
import { Channels } from './alerts/channels.tsx';
import { DeliveryError } from './alerts/delivery-error.tsx';
import { findingsEn } from '../words/findings.ts';
import { incidentsEn } from '../words/incidents.ts';
import { hasDetails } from './overview/finding-values.ts';
import { overviewOf, type Incident, type Undelivered } from './alerts/overview.ts';

/** What is the matter since when, and whether anybody was told. */
export function Alerts() {
  const { t } = useTranslation();
  const alerts = useQuery({
    queryKey: ['alerts'],
    queryFn: async ({ signal }) => overviewOf(await call('GET', '/alerts', { signal })),
    refetchInterval: 15_000,
  });
  return (
    <Page title={t('alerts.title')} about={t('alerts.about')}>
      <Shown query={alerts}>
        {({ incidents, undelivered, channels }) => (
          <Stack gap="xl">
            <Section title={t('alerts.open')}>
              {incidents.length === 0 ? (
                <Alert color="teal" variant="light" icon={<IconCircleCheck aria-hidden />}>
                  {t('alerts.nothing')}
                </Alert>
              ) : (
                <Incidents incidents={incidents} />
              )}
            </Section>
            {undelivered.length === 0 ? null : (
              <Section title={t('alerts.undelivered')}>
                <Messages messages={undelivered} />
              </Section>
            )}
            <Section title={t('alerts.channels')}>
              <Channels channels={channels} />
            </Section>
          </Stack>
        )}
      </Shown>
    </Page>
  );
}

function Incidents({ incidents }: { incidents: readonly Incident[] }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      {incidents.map(({ key, code, severity, source, storage, backup, title, openedAt, lastSeenAt, times, toldAt }) => (
        <Card key={key} withBorder padding="sm">
          <Stack gap={4}>
            <StateBadge state={severity} />
            <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
              <Title code={code} said={title} />
            </Text>
            {hasDetails(code) ? (
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                <Said text={title} />
              </Text>
            ) : null}
            <Text size="sm" c="dimmed" component="div" style={{ overflowWrap: 'anywhere' }}>
              {source === null ? null : `${t('alerts.source', { source })} · `}
              {storage === null ? null : `${t('alerts.storage', { storage })} · `}
              {backup === null ? null : `${t('alerts.backup', { backup })} · `}
              {t('alerts.since')} <Time at={openedAt} />
              {' · '}
              {t('alerts.seen', { count: times })} <Time at={lastSeenAt} />
              {' · '}
              {toldAt === null ? (
                t('alerts.untold')
              ) : (
                <>
                  {t('alerts.told')} <Time at={toldAt} />
                </>
              )}
            </Text>
          </Stack>
        </Card>
      ))}
    </Stack>
  );
}

function Title({ code, said }: { code: string; said: string }) {
  const { t } = useTranslation();
  if (isIn(incidentsEn, code)) return t(`alerts.incidents.${code}`);
  return isIn(findingsEn, code) ? t(`findings.${code}.title`) : <Said text={said} />;
}

function isIn<Words extends object>(words: Words, code: string): code is keyof Words & string {
  return Object.hasOwn(words, code);
}

function Messages({ messages }: { messages: readonly Undelivered[] }) {
  const { t } = useTranslation();
  return (
    <DataTable
      label={t('alerts.undelivered')}
      rows={messages}
      keyOf={({ id }) => id}
      columns={[
        { title: t('alerts.channel'), cell: ({ channel }) => channel },
        { title: t('alerts.written'), cell: ({ createdAt }) => <Time at={createdAt} /> },
        {
          title: t('alerts.state'),
          cell: ({ state, nextAt }) =>
            state === 'failed' ? (
              <StateBadge state="failed" label={t('alerts.givenUp')} />
            ) : (
              <>
                {t('alerts.again')} <Time at={nextAt} />
              </>
            ),
        },
        { title: t('alerts.tries'), right: true, cell: ({ attempts }) => attempts },
        {
          title: t('alerts.why'),
          cell: ({ lastError }) => (lastError === null ? '–' : <DeliveryError error={lastError} />),
        },
      ]}
    />
  );
}
