import { Alert, Button, Group, MultiSelect, Select, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconKey } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Action, Role } from '../../../../src/access/roles.ts';
import { call } from '../../api/client.ts';
import { Command } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { RoleChoice } from './role-choice.tsx';
import { actionsFor, expiryOf, lifetimes, type Lifetime } from './token-wish.ts';

/** Makes a token and shows it, once. */
export function NewToken({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const [token, setToken] = useState<string | null>(null);
  const close = () => {
    setToken(null);
    onClose();
  };
  return (
    <Dialog
      opened={opened}
      onClose={close}
      title={t(token === null ? 'access.makeToken' : 'access.tokenMade')}
      // It is not shown again: a click beside it must not lose it.
      held={token !== null}
    >
      {token === null ? (
        <Fields onMade={setToken} onClose={close} />
      ) : (
        <Stack gap="sm">
          <Alert variant="light" color="yellow" icon={<IconKey aria-hidden />}>
            {t('access.onlyNow')}
          </Alert>
          <Command text={token} what={t('access.token')} />
          <Group justify="flex-end">
            <Button onClick={close}>{t('access.tokenKept')}</Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  );
}

interface Values {
  name: string;
  role: Role;
  sources: string[];
  actions: Action[];
  lifetime: Lifetime;
}

function Fields({ onMade, onClose }: { onMade: (token: string) => void; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const sources = useQuery({ queryKey: ['sources'], queryFn: ({ signal }) => call('GET', '/sources', { signal }) });
  const form = useForm<Values>({
    initialValues: { name: '', role: 'operator', sources: [], actions: [], lifetime: '90' },
  });
  const possible = actionsFor(form.values.role);
  const make = useMutation({
    mutationFn: ({ name, role, lifetime, ...some }: Values) => {
      const chosen = some.actions.filter((action) => possible.includes(action));
      return call('POST', '/tokens', {
        body: {
          name: name.trim(),
          role,
          sources: some.sources.length === 0 ? null : some.sources,
          actions: chosen.length === 0 ? null : chosen,
          expiresAt: expiryOf(lifetime),
        },
      });
    },
    onSuccess: ({ token }) => {
      onMade(token);
      return queries.invalidateQueries({ queryKey: ['tokens'] });
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => make.mutate(values))}>
      <Stack gap="sm">
        <Refusal error={make.error} />
        <TextInput
          label={t('access.name')}
          description={t('access.tokenName')}
          autoComplete="off"
          required
          data-autofocus
          {...form.getInputProps('name')}
        />
        <RoleChoice {...form.getInputProps('role')} />
        <MultiSelect
          label={t('access.sources')}
          placeholder={form.values.sources.length === 0 ? t('access.allSources') : ''}
          data={sources.data?.map(({ name }) => name) ?? []}
          clearable
          {...form.getInputProps('sources')}
        />
        <MultiSelect
          label={t('access.onlyActions')}
          placeholder={form.values.actions.length === 0 ? t('access.allActions') : ''}
          data={possible.map((action) => ({ value: action, label: t(`access.actions.${action}`) }))}
          clearable
          {...form.getInputProps('actions')}
        />
        <Select
          label={t('access.expires')}
          data={lifetimes.map((days) => ({
            value: days,
            label: days === 'never' ? t('access.never') : t('access.inDays', { days }),
          }))}
          allowDeselect={false}
          {...form.getInputProps('lifetime')}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('confirm.cancel')}
          </Button>
          <Button type="submit" loading={make.isPending}>
            {t('access.makeToken')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
