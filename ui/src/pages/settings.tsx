import { Alert, Code, Select, Stack, Tabs } from '@mantine/core';
import { IconClock, IconLock } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Trans, useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import { call } from '../api/client.ts';
import { useMay } from '../api/session.ts';
import { Page } from '../parts/page.tsx';
import { Empty, Shown } from '../parts/shown.tsx';
import { valueAt } from './settings/fields.ts';
import { OfAll } from './settings/of-all.tsx';
import { OfSource } from './settings/of-source.tsx';
import { SettingsContext, type SettingsView } from './settings/use-settings-form.ts';

/** The same file that people edit by hand, as forms. */
export function Settings() {
  const { t } = useTranslation();
  const may = useMay('settings');
  const settings = useQuery({
    queryKey: ['settings'],
    queryFn: ({ signal }) => call('GET', '/settings', { signal }),
    enabled: may,
    refetchInterval: ({ state }) => (state.data?.pending ? 3_000 : false),
  });
  if (!may) {
    return (
      <Page title={t('settings.title')}>
        <Empty title={t('problem.notAllowed')} text={t('problem.notAllowedHint')} />
      </Page>
    );
  }
  const file = settings.data?.file ?? null;
  return (
    <Page
      title={t('settings.title')}
      about={
        file === null ? null : <Trans i18nKey="settings.about" values={{ file }} components={{ code: <Code /> }} />
      }
    >
      <Shown query={settings} lines={6}>
        {(view) => (
          <SettingsContext value={view}>
            <Forms view={view} />
          </SettingsContext>
        )}
      </Shown>
    </Page>
  );
}

const tabs = ['source', 'all'] as const;

function Forms({ view }: { view: SettingsView }) {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const names = Object.keys(valueAt(view.settings, ['sources']) ?? {});
  const source = names.find((each) => each === params.get('source')) ?? names[0];
  const shown = tabs.find((each) => each === params.get('show')) ?? 'source';
  return (
    <Stack gap="md">
      {view.writable ? null : (
        <Alert color="yellow" variant="light" icon={<IconLock aria-hidden />} title={t('settings.readOnly')}>
          {view.reason}
        </Alert>
      )}
      {view.pending ? (
        <Alert color="cyan" variant="light" icon={<IconClock aria-hidden />} role="status">
          {t('settings.pending')}
        </Alert>
      ) : null}
      <Tabs value={shown} onChange={(show) => setParams(show === null ? {} : { show }, { replace: true })}>
        <Tabs.List mb="md">
          {tabs.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {t(`settings.tabs.${each}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="source">
          <Stack gap="md">
            {names.length > 1 ? (
              <Select
                label={t('settings.source')}
                data={names}
                value={source ?? null}
                onChange={(name) => name !== null && setParams({ source: name }, { replace: true })}
                allowDeselect={false}
                w={{ base: '100%', xs: 320 }}
              />
            ) : null}
            {source === undefined ? <Empty text={t('overview.noneText')} /> : <OfSource key={source} source={source} />}
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="all">
          <OfAll />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}
