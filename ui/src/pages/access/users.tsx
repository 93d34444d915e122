import { ActionIcon, Button, Group, Menu, Stack, Text } from '@mantine/core';
import { IconDots, IconPlus, IconShieldCheck, IconShieldOff } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Sign } from '../../parts/badge.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { Shown } from '../../parts/shown.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../parts/toasts.tsx';
import type { User } from './user.ts';
import { UserForm } from './user-form.tsx';

type Wish = { what: 'add' } | { what: 'change' | 'remove' | 'factor'; user: User };

/** Who may sign in, for admins. */
export function Users() {
  const { t } = useTranslation();
  const { name: own } = useSession();
  const users = useQuery({ queryKey: ['users'], queryFn: ({ signal }) => call('GET', '/users', { signal }) });
  const [wish, setWish] = useState<Wish | null>(null);
  const close = () => setWish(null);
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed">
          {t('access.usersAbout')}
        </Text>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setWish({ what: 'add' })}>
          {t('access.addUser')}
        </Button>
      </Group>
      <Shown query={users}>
        {(rows) => (
          <DataTable
            label={t('access.users')}
            rows={rows}
            keyOf={({ name }) => name}
            columns={[
              {
                title: t('access.name'),
                cell: ({ name }) => (name === own ? t('access.you', { name }) : name),
              },
              { title: t('access.role'), cell: ({ role }) => t(`access.roles.${role}`) },
              {
                title: t('access.factor.title'),
                cell: ({ totp, external }) =>
                  external ? (
                    t('access.external')
                  ) : (
                    <Sign
                      icon={totp ? IconShieldCheck : IconShieldOff}
                      color={totp ? 'teal' : 'gray'}
                      label={t(totp ? 'access.factor.on' : 'access.factor.off')}
                    />
                  ),
              },
              { title: t('access.since'), cell: ({ createdAt }) => <Time at={createdAt} /> },
              {
                title: t('access.doing'),
                actions: true,
                cell: (user) => <UserMenu user={user} onWish={(what) => setWish({ what, user })} />,
              },
            ]}
          />
        )}
      </Shown>
      <UserForm
        // Anew for each: what was typed for one must not be there for another.
        key={wish?.what === 'change' ? wish.user.name : (wish?.what ?? '')}
        opened={wish?.what === 'add' || wish?.what === 'change'}
        user={wish?.what === 'change' ? wish.user : null}
        onClose={close}
      />
      <Removal wish={wish} onClose={close} />
    </Stack>
  );
}

function UserMenu({ user, onWish }: { user: User; onWish: (what: 'change' | 'remove' | 'factor') => void }) {
  const { t } = useTranslation();
  const { name: own } = useSession();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('access.more', { name: user.name })}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onWish('change')}>{t('access.change')}</Menu.Item>
        {user.totp ? <Menu.Item onClick={() => onWish('factor')}>{t('access.factor.remove')}</Menu.Item> : null}
        {user.name === own ? null : (
          <Menu.Item color="red" onClick={() => onWish('remove')}>
            {t('access.removeUser')}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function Removal({ wish, onClose }: { wish: Wish | null; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const name = wish && 'user' in wish ? wish.user.name : '';
  const over = () => {
    onClose();
    return queries.invalidateQueries({ queryKey: ['users'] });
  };
  const remove = useAct(
    () => call('DELETE', '/users/{name}', { params: { name } }),
    (_nothing, _given, toasts) => {
      toasts.done(t('access.userRemoved', { name }));
      void over();
    },
  );
  const unlock = useAct(
    () => call('PATCH', '/users/{name}', { params: { name }, body: { totp: false } }),
    (_user, _given, toasts) => {
      toasts.done(t('access.factor.removed', { name }));
      void queries.invalidateQueries({ queryKey: ['session'] });
      void over();
    },
  );
  return (
    <>
      <Confirm
        opened={wish?.what === 'remove'}
        onClose={onClose}
        title={t('access.removeUser')}
        word={null}
        label={t('access.removeUser')}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        {t('access.removeUserText', { name })}
      </Confirm>
      <Confirm
        opened={wish?.what === 'factor'}
        onClose={onClose}
        title={t('access.factor.remove')}
        word={null}
        label={t('access.factor.remove')}
        busy={unlock.isPending}
        onConfirm={() => unlock.mutate()}
      >
        {t('access.factor.removeText', { name })}
      </Confirm>
    </>
  );
}
