import { Button, Card, Group, Select, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Section } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import type { Path } from './fields.ts';
import type { SettingsForm } from './use-settings-form.ts';

interface CardProps {
  title: string;
  about?: string;
  form: SettingsForm;
  children: ReactNode;
}

/** Settings that belong together and are saved together. */
export function SettingsCard({ title, about, form, children }: CardProps) {
  const { t } = useTranslation();
  return (
    <Card withBorder>
      <Section title={title}>
        {about === undefined ? null : (
          <Text size="sm" c="dimmed">
            {about}
          </Text>
        )}
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (form.changed && !form.busy) form.save();
          }}
        >
          <Stack gap="md">
            {children}
            <Refusal error={form.failure} />
            {form.readOnly ? null : (
              <Group gap="xs">
                <Button type="submit" disabled={!form.changed} loading={form.busy}>
                  {t('settings.save')}
                </Button>
                {form.changed ? (
                  <Button variant="default" onClick={form.discard}>
                    {t('settings.discard')}
                  </Button>
                ) : null}
              </Group>
            )}
          </Stack>
        </form>
      </Section>
    </Card>
  );
}

interface SettingProps {
  form: SettingsForm;
  path: Path;
  label: string;
  about?: string;
  placeholder?: string;
}

export function TextSetting({
  form,
  path,
  label,
  about,
  placeholder,
  number = false,
}: SettingProps & { number?: boolean }) {
  return (
    <TextInput
      label={label}
      description={<About form={form} path={path} about={about} />}
      error={form.error(path)}
      disabled={form.readOnly}
      autoComplete="off"
      {...(number ? { inputMode: 'numeric' as const } : {})}
      {...(placeholder === undefined ? {} : { placeholder })}
      value={form.text(path)}
      onChange={(event) => form.set(path, event.currentTarget.value)}
    />
  );
}

export function SwitchSetting({ form, path, label, about }: SettingProps) {
  return (
    <Switch
      label={label}
      description={<About form={form} path={path} about={about} />}
      error={form.error(path)}
      disabled={form.readOnly}
      checked={form.on(path)}
      onChange={(event) => form.set(path, event.currentTarget.checked)}
    />
  );
}

export function ListSetting({ form, path, label, about, placeholder }: SettingProps) {
  return (
    <TagsInput
      label={label}
      description={<About form={form} path={path} about={about} />}
      error={form.error(path)}
      disabled={form.readOnly}
      {...(placeholder === undefined ? {} : { placeholder })}
      value={[...form.list(path)]}
      onChange={(list) => form.set(path, list)}
      acceptValueOnBlur
    />
  );
}

export function ChoiceSetting({
  form,
  path,
  label,
  about,
  data,
}: SettingProps & { data: { value: string; label: string }[] }) {
  return (
    <Select
      label={label}
      description={<About form={form} path={path} about={about} />}
      error={form.error(path)}
      disabled={form.readOnly}
      data={data}
      allowDeselect={false}
      value={form.text(path)}
      onChange={(value) => form.set(path, value ?? '')}
    />
  );
}

/** What it does, and where the present value comes from. */
export function About({ form, path, about }: { form: SettingsForm; path: Path; about?: string | undefined }) {
  const { t } = useTranslation();
  const origin = form.origin(path);
  const from =
    origin === null ? null : t('settings.from', { origin: origin === 'default' ? t('settings.default') : origin });
  return [about, from].filter((each) => each !== undefined && each !== null).join(' · ');
}
