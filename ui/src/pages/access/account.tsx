import { Button, Card, Group, PasswordInput, SimpleGrid, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Section } from '../../parts/page.tsx';
import { useToasts } from '../../parts/toasts.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { shortest } from './new-password.ts';
import { SecondFactor } from './second-factor.tsx';

/** What everybody may do about themselves. */
export function Account() {
  const { t } = useTranslation();
  const { name, role } = useSession();
  return (
    <Stack gap="lg">
      <Text size="sm">{t('access.signedInAs', { name, role: t(`access.roles.${role}`) })}</Text>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Card withBorder>
          <Section title={t('access.password')}>
            <ChangePassword />
          </Section>
        </Card>
        <Card withBorder>
          <Section title={t('access.factor.title')}>
            <SecondFactor />
          </Section>
        </Card>
      </SimpleGrid>
    </Stack>
  );
}

function ChangePassword() {
  const { t } = useTranslation();
  const { name } = useSession();
  const queries = useQueryClient();
  const toasts = useToasts();
  const form = useForm({
    initialValues: { current: '', password: '', again: '' },
    validate: {
      password: (value) => (value.length < shortest ? t('access.tooShort', { shortest }) : null),
      again: (value, { password }) => (value === password ? null : t('access.notTheSame')),
    },
  });
  const change = useMutation({
    mutationFn: ({ current, password }: typeof form.values) =>
      call('PUT', '/session/password', { body: { current, password } }),
    onSuccess: () => {
      toasts.done(t('access.passwordChanged'));
      return queries.resetQueries();
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => change.mutate(values))}>
      <Stack gap="sm">
        <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
        <Refusal error={change.error} />
        <PasswordInput
          label={t('access.currentPassword')}
          autoComplete="current-password"
          required
          {...form.getInputProps('current')}
        />
        <PasswordInput
          label={t('access.newPassword')}
          description={t('access.longPassword', { shortest })}
          autoComplete="new-password"
          required
          {...form.getInputProps('password')}
        />
        <PasswordInput
          label={t('access.again')}
          autoComplete="new-password"
          required
          {...form.getInputProps('again')}
        />
        <Text size="sm" c="dimmed">
          {t('access.sessionsEnd')}
        </Text>
        <Group>
          <Button type="submit" loading={change.isPending}>
            {t('access.changePassword')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
