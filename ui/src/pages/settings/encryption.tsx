import { Alert, PasswordInput, Radio, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconLock, IconLockOpen } from '@tabler/icons-react';
import { useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { Sign } from '../../parts/badge.tsx';
import { valueAt, type Change, type Path } from './fields.ts';
import { About, ListSetting, SettingsCard } from './setting.tsx';
import { useSettings, useSettingsForm, type SettingsForm } from './use-settings-form.ts';

const ways = ['all', 'none', 'own'] as const;
type Way = (typeof ways)[number];

/** Whether backups are encrypted and for whom. A passphrase goes in and never comes out. */
export function Encryption({ at }: { at: Path }) {
  const { t } = useTranslation();
  const { settings } = useSettings();
  const ofSource = at[0] === 'sources';
  const before = valueAt(settings, at);
  const wayBefore: Way = ofSource && before === undefined ? 'all' : before === false ? 'none' : 'own';
  const [chosen, setChosen] = useState<Way | null>(null);
  // Backups of before open with the passphrase for all: one of its own would lock them.
  const inherits = wayBefore !== 'own' && typeof valueAt(settings, ['encryption', 'passphrase']) === 'string';
  const way = ofSource ? (chosen ?? wayBefore) : 'own';
  const isSet = typeof valueAt(before, ['passphrase']) === 'string';
  const passphrase: Path = [...at, 'passphrase'];
  const form = useSettingsForm(
    [...(isSet ? [] : [{ path: passphrase, kind: 'text' as const }]), { path: [...at, 'recipients'], kind: 'list' }],
    (changes) => changesFor(way, wayBefore, at, changes),
  );
  return (
    <SettingsCard
      title={t('settings.encryption')}
      about={t('settings.encryptionText')}
      form={{
        ...form,
        discard: () => {
          setChosen(null);
          form.discard();
        },
      }}
    >
      {ofSource ? (
        <Radio.Group
          aria-label={t('settings.encryption')}
          value={way}
          onChange={(value) => setChosen(ways.find((each) => each === value) ?? 'all')}
          error={way === 'own' ? null : form.error(at)}
        >
          <Stack gap="xs">
            {ways
              .filter((each) => each !== 'own' || !inherits)
              .map((each) => (
                <Radio key={each} value={each} label={t(`settings.encryptionWays.${each}`)} disabled={form.readOnly} />
              ))}
          </Stack>
        </Radio.Group>
      ) : (
        <Sign
          icon={before ? IconLock : IconLockOpen}
          color={before ? 'teal' : 'gray'}
          label={t(before ? 'settings.encrypted' : 'settings.plain')}
        />
      )}
      {way === 'own' ? <Own form={form} at={at} isSet={isSet} /> : null}
    </SettingsCard>
  );
}

function Own({ form, at, isSet }: { form: SettingsForm; at: Path; isSet: boolean }) {
  const { t } = useTranslation();
  const passphrase: Path = [...at, 'passphrase'];
  return (
    <>
      {isSet ? (
        <Text size="sm">
          <Trans i18nKey="settings.passphraseSet" components={{ code: <code /> }} />
        </Text>
      ) : (
        <>
          <PasswordInput
            label={t('settings.passphrase')}
            description={<About form={form} path={passphrase} about={t('settings.passphraseText')} />}
            error={form.error(passphrase)}
            disabled={form.readOnly}
            autoComplete="new-password"
            value={form.text(passphrase)}
            onChange={(event) => form.set(passphrase, event.currentTarget.value)}
          />
          {form.text(passphrase) === '' ? null : (
            <Alert variant="light" color="yellow" icon={<IconAlertTriangle aria-hidden />} role="status">
              {t('settings.passphraseWarning')}
            </Alert>
          )}
        </>
      )}
      <ListSetting
        form={form}
        path={[...at, 'recipients']}
        label={t('settings.recipients')}
        about={t('settings.recipientsText')}
        placeholder="age1…"
      />
    </>
  );
}

function changesFor(way: Way, before: Way, at: Path, changes: Change[]): Change[] {
  if (way === 'own') return changes;
  if (way === before) return [];
  return [{ path: [...at], value: way === 'none' ? false : null }];
}
