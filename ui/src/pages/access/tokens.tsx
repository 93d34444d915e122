import { ActionIcon, Button, Group, Stack, Text, Tooltip } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { z } from 'zod';
import type { tokenView } from '../../../../src/api/contract.ts';
import { call } from '../../api/client.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { Empty, Shown } from '../../parts/shown.tsx';
import { StateBadge } from '../../parts/badge.tsx';
import { Time, useNow } from '../../parts/time.tsx';
import { useAct } from '../../parts/toasts.tsx';
import { NewToken } from './new-token.tsx';

type Token = z.output<typeof tokenView>;

/** What the program notes down for a token of `holdfast token create`. */
const byCommand = 'the command line';

/** Ways in for programs, for admins. */
export function Tokens() {
  const { t } = useTranslation();
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: ({ signal }) => call('GET', '/tokens', { signal }) });
  const [making, setMaking] = useState(false);
  const [leaving, setLeaving] = useState<Token | null>(null);
  const makerOf = (name: string) => {
    if (name === '') return null;
    return name === byCommand ? t('access.madeByCommand') : t('access.madeBy', { name });
  };
  const make = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setMaking(true)}>
      {t('access.makeToken')}
    </Button>
  );
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed">
          {t('access.tokensAbout')}
        </Text>
        {tokens.data?.length === 0 ? null : make}
      </Group>
      <Shown query={tokens}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty text={t('access.noTokens')} action={make} />
          ) : (
            <DataTable
              label={t('access.tokens')}
              rows={rows}
              keyOf={({ id }) => id}
              columns={[
                { title: t('access.name'), cell: ({ name }) => name },
                { title: t('access.may'), cell: (token) => <May token={token} /> },
                { title: t('access.expires'), cell: ({ expiresAt }) => <Expiry at={expiresAt} /> },
                {
                  title: t('access.used'),
                  cell: ({ usedAt, usedFrom }) =>
                    usedAt === null ? (
                      t('access.never')
                    ) : (
                      <>
                        <Time at={usedAt} /> {usedFrom === null ? null : t('access.usedFrom', { from: usedFrom })}
                      </>
                    ),
                },
                {
                  title: t('access.made'),
                  cell: ({ createdAt, createdBy }) => (
                    <>
                      <Time at={createdAt} /> {makerOf(createdBy)}
                    </>
                  ),
                },
                {
                  title: t('access.doing'),
                  actions: true,
                  cell: (token) => (
                    <Tooltip label={t('access.revoke')}>
                      <ActionIcon
                        variant="subtle"
                        color="red"
                        aria-label={t('access.revokeNamed', { name: token.name })}
                        onClick={() => setLeaving(token)}
                      >
                        <IconTrash size={18} aria-hidden />
                      </ActionIcon>
                    </Tooltip>
                  ),
                },
              ]}
            />
          )
        }
      </Shown>
      <NewToken opened={making} onClose={() => setMaking(false)} />
      <Revocation token={leaving} onClose={() => setLeaving(null)} />
    </Stack>
  );
}

function May({ token: { role, sources, actions } }: { token: Token }) {
  const { t } = useTranslation();
  return (
    <Stack gap={0}>
      <span>{t(`access.roles.${role}`)}</span>
      <Text span size="xs" c="dimmed">
        {sources === null ? t('access.allSources') : sources.join(', ')}
        {' · '}
        {actions === null ? t('access.allActions') : actions.map((action) => t(`access.actions.${action}`)).join(', ')}
      </Text>
    </Stack>
  );
}

function Expiry({ at }: { at: string | null }) {
  const { t } = useTranslation();
  const now = useNow();
  if (at === null) return t('access.never');
  if (Date.parse(at) > now.getTime()) return <Time at={at} exact />;
  return <StateBadge state="warning" label={t('access.expired')} />;
}

function Revocation({ token, onClose }: { token: Token | null; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const revoke = useAct(
    (id: string) => call('DELETE', '/tokens/{id}', { params: { id } }),
    (_nothing, _id, toasts) => {
      toasts.done(t('access.revoked'));
      onClose();
      void queries.invalidateQueries({ queryKey: ['tokens'] });
    },
  );
  return (
    <Confirm
      opened={token !== null}
      onClose={onClose}
      title={t('access.revoke')}
      word={null}
      label={t('access.revoke')}
      busy={revoke.isPending}
      onConfirm={() => token && revoke.mutate(token.id)}
    >
      {t('access.revokeText', { name: token?.name ?? '' })}
    </Confirm>
  );
}
