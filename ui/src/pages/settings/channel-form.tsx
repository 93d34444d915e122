import { Button, Group, MultiSelect, PasswordInput, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '../../api/client.ts';
import { Refusal } from '../../parts/refusal.tsx';
import {
  channelChanges,
  draftOfChannel,
  fieldsOf,
  hasSecret,
  isKind,
  isWhole,
  kinds,
  newDraft,
  type ChannelDraft,
  type FieldName,
} from './channel-fields.ts';
import { valueAt } from './fields.ts';
import { useSaveChannel } from './use-save-channel.ts';
import { useSettings } from './use-settings-form.ts';

interface ChannelFormProps {
  /** Its place in the list; that of a new one is behind the others. */
  at: number;
  channel: unknown;
  onClose: () => void;
}

export function ChannelForm({ at, channel, onClose }: ChannelFormProps) {
  const { t } = useTranslation();
  const { settings } = useSettings();
  const [draft, setDraft] = useState<ChannelDraft>(() => draftOfChannel(channel) ?? newDraft('email'));
  const save = useSaveChannel(onClose);
  const isNew = channel === undefined;
  const changes = channelChanges(at, draft, channel);
  const ready = isWhole(draft, channel) && changes.length > 0;
  const sources = Object.keys(valueAt(settings, ['sources']) ?? {});
  const set = (change: Partial<ChannelDraft>) => setDraft({ ...draft, ...change });
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !save.isPending) save.mutate(changes);
      }}
    >
      <Stack gap="sm">
        {isNew ? (
          <Select
            label={t('settings.channelKind')}
            data={kinds.map((value) => ({ value, label: t(`settings.channelKinds.${value}`) }))}
            allowDeselect={false}
            value={draft.kind}
            onChange={(kind) => kind !== null && isKind(kind) && set({ kind, fields: {} })}
          />
        ) : null}
        {fieldsOf[draft.kind].map((field) => (
          <One
            key={field.name}
            {...field}
            value={draft.fields[field.name] ?? ''}
            kept={field.form === 'secret' && hasSecret(channel, field.name)}
            onChange={(value) => set({ fields: { ...draft.fields, [field.name]: value } })}
          />
        ))}
        <TextInput
          label={t('settings.channelName')}
          description={t('settings.channelNameText')}
          autoComplete="off"
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        <Select
          label={t('settings.level')}
          data={[
            { value: '', label: t('settings.channelLevel') },
            ...(['errors', 'warnings', 'all'] as const).map((value) => ({ value, label: t(`alerts.levels.${value}`) })),
          ]}
          allowDeselect={false}
          value={draft.level}
          onChange={(level) => set({ level: level ?? '' })}
        />
        <MultiSelect
          label={t('settings.channelSources')}
          placeholder={draft.sources.length === 0 ? t('alerts.allSources') : ''}
          data={sources}
          clearable
          value={[...draft.sources]}
          onChange={(chosen) => set({ sources: chosen })}
        />
        <Refusal error={told(save.error)} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('confirm.cancel')}
          </Button>
          <Button type="submit" disabled={!ready} loading={save.isPending}>
            {t('settings.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Each problem by itself: the words of the whole say only that there are some. */
function told(error: Error | null): Error | null {
  if (!(error instanceof Problem) || error.errors.length === 0) return error;
  const { status, code, hint } = error;
  const detail = error.errors.map(({ message }) => message).join('; ');
  return new Problem(status, { code, detail, hint });
}

interface OneProps {
  name: FieldName;
  form: 'text' | 'number' | 'list' | 'secret' | 'tls';
  required: boolean;
  value: string | readonly string[];
  /** There is one already. */
  kept: boolean;
  onChange: (value: string | readonly string[]) => void;
}

function One({ name, form, required, value, kept, onChange }: OneProps) {
  const { t } = useTranslation();
  const label = t(`settings.channelFields.${name}`);
  const text = typeof value === 'string' ? value : '';
  if (form === 'list') {
    return (
      <TagsInput
        label={label}
        required={required}
        placeholder={t('settings.addAddress')}
        value={typeof value === 'string' ? [] : [...value]}
        onChange={onChange}
        acceptValueOnBlur
      />
    );
  }
  if (form === 'tls') {
    return (
      <Select
        label={label}
        data={(['starttls', 'tls', 'none'] as const).map((each) => ({
          value: each,
          label: t(`settings.tlsWays.${each}`),
        }))}
        allowDeselect={false}
        value={text === '' ? 'starttls' : text}
        onChange={(chosen) => onChange(chosen ?? '')}
      />
    );
  }
  const shared = {
    label,
    required: required && !kept,
    autoComplete: 'off',
    value: text,
    onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
  };
  if (form === 'secret') {
    return <PasswordInput {...shared} {...(kept ? { description: t('settings.keptSecret') } : {})} />;
  }
  return <TextInput {...shared} {...(form === 'number' ? { inputMode: 'numeric' as const } : {})} />;
}
