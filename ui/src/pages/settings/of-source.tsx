import { Checkbox, SimpleGrid, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Encryption } from './encryption.tsx';
import { textAt, valueAt, type Change, type Path } from './fields.ts';
import { Folders } from './folders.tsx';
import { Limits } from './monitor.tsx';
import { Schedule } from './schedule.tsx';
import { About, ChoiceSetting, ListSetting, SettingsCard, SwitchSetting, TextSetting } from './setting.tsx';
import { useSettings, useSettingsForm } from './use-settings-form.ts';

/** Everything that can be set here for one source. */
export function OfSource({ source }: { source: string }) {
  return (
    <Stack gap="md">
      <Schedule source={source} />
      <Retention source={source} />
      <Storages source={source} />
      <Proof source={source} />
      <Dump source={source} />
      <LeftOut source={source} />
      <Folders source={source} />
      <Encryption at={['sources', source, 'encryption']} />
      <Limits at={['sources', source, 'monitor']} />
    </Stack>
  );
}

const counts = ['last', 'daily', 'weekly', 'monthly', 'yearly', 'minimum'] as const;

function Retention({ source }: { source: string }) {
  const { t } = useTranslation();
  const at = (name: string): Path => ['sources', source, 'retention', name];
  const form = useSettingsForm([
    ...counts.map((name) => ({ path: at(name), kind: 'number' as const })),
    { path: at('maxAge'), kind: 'text' },
  ]);
  return (
    <SettingsCard title={t('settings.retention')} about={t('settings.retentionText')} form={form}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        <TextSetting
          form={form}
          path={at('last')}
          label={t('settings.keep.last')}
          about={t('settings.lastText')}
          number
        />
        <TextSetting
          form={form}
          path={at('maxAge')}
          label={t('settings.keep.maxAge')}
          about={t('settings.maxAgeText')}
        />
        {counts.slice(1).map((name) => (
          <TextSetting key={name} form={form} path={at(name)} label={t(`settings.keep.${name}`)} number />
        ))}
      </SimpleGrid>
    </SettingsCard>
  );
}

function Storages({ source }: { source: string }) {
  const { t } = useTranslation();
  const { settings } = useSettings();
  const at: Path = ['sources', source, 'storages'];
  const after: Path = ['sources', source, 'deleteLocalAfterCopy'];
  const form = useSettingsForm([
    { path: at, kind: 'list' },
    { path: after, kind: 'switch' },
  ]);
  const all = Object.entries((valueAt(settings, ['storages']) ?? {}) as Record<string, unknown>);
  const chosen = form.list(at);
  return (
    <SettingsCard title={t('settings.storages')} about={t('settings.storagesText')} form={form}>
      <Checkbox.Group
        aria-label={t('settings.storages')}
        description={<About form={form} path={at} />}
        error={form.error(at)}
        value={[...chosen]}
        onChange={(names) => form.set(at, names)}
      >
        <Stack gap="xs" mt="xs">
          {all.map(([name, storage]) => (
            <Checkbox
              key={name}
              value={name}
              label={name === chosen[0] ? t('settings.primary', { name }) : name}
              description={textAt(storage, ['type'])}
              disabled={form.readOnly}
            />
          ))}
        </Stack>
      </Checkbox.Group>
      <SwitchSetting form={form} path={after} label={t('settings.deleteLocal')} about={t('settings.deleteLocalText')} />
    </SettingsCard>
  );
}

function Proof({ source }: { source: string }) {
  const { t } = useTranslation();
  const { settings } = useSettings();
  const kinds = (['drill', 'verify'] as const).map((kind) => {
    const base: Path = ['sources', source, kind];
    const way = typeof valueAt(settings, [...base, 'cron']) === 'string' ? 'cron' : 'every';
    return { kind, base, way, path: [...base, way] } as const;
  });
  const form = useSettingsForm(
    kinds.map(({ path }) => ({ path, kind: 'text' })),
    (changes) =>
      changes.map((change) => (isVerifyOff(change) ? { ...change, path: change.path.slice(0, -1) } : change)),
  );
  return (
    <SettingsCard title={t('settings.proof')} about={t('settings.proofText')} form={form}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        {kinds.map(({ kind, way, path }) => (
          <TextSetting
            key={kind}
            form={form}
            path={path}
            label={t(`settings.proofs.${kind}`)}
            about={t(way === 'cron' ? 'settings.cronText' : 'settings.everyOrNot')}
          />
        ))}
      </SimpleGrid>
    </SettingsCard>
  );
}

/** What else stands there has no meaning without a time, and is refused. */
function isVerifyOff({ path, value }: Change): boolean {
  return path[2] === 'verify' && value === null;
}

const formats = ['auto', 'custom', 'directory', 'tar', 'plain'] as const;

function Dump({ source }: { source: string }) {
  const { t } = useTranslation();
  const { settings } = useSettings();
  const at = (name: string): Path => ['sources', source, 'dump', name];
  const form = useSettingsForm([
    { path: at('format'), kind: 'text' },
    { path: at('compression'), kind: 'text' },
  ]);
  if (valueAt(settings, ['sources', source, 'dump']) === undefined) return null;
  // Databases that are one file have one way to be saved.
  const present = textAt(settings, at('format'));
  const offered = formats.some((each) => each === present) ? formats : [...formats, present];
  return (
    <SettingsCard title={t('settings.dump')} about={t('settings.dumpText')} form={form}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        <ChoiceSetting
          form={form}
          path={at('format')}
          label={t('settings.format')}
          data={offered.map((value) => {
            const known = formats.find((each) => each === value);
            return { value, label: known ? t(`settings.formats.${known}`) : value };
          })}
        />
        <TextSetting
          form={form}
          path={at('compression')}
          label={t('settings.compression')}
          about={t('settings.compressionText')}
        />
      </SimpleGrid>
    </SettingsCard>
  );
}

function LeftOut({ source }: { source: string }) {
  const { t } = useTranslation();
  const at = (name: string): Path => ['sources', source, 'dump', 'exclude', name];
  const form = useSettingsForm([
    { path: at('tables'), kind: 'list' },
    { path: at('tableData'), kind: 'list' },
  ]);
  const { settings } = useSettings();
  if (valueAt(settings, ['sources', source, 'dump']) === undefined) return null;
  return (
    <SettingsCard title={t('settings.leftOut')} about={t('settings.leftOutText')} form={form}>
      <ListSetting form={form} path={at('tables')} label={t('settings.tables')} placeholder={t('settings.addName')} />
      <ListSetting
        form={form}
        path={at('tableData')}
        label={t('settings.tableData')}
        about={t('settings.tableDataText')}
        placeholder={t('settings.addName')}
      />
    </SettingsCard>
  );
}
