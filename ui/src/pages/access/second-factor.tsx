import { Alert, Button, Code, Group, List, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPrinter, IconShieldCheck, IconShieldOff } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Sign } from '../../parts/badge.tsx';
import { Copy } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { useAct } from '../../parts/toasts.tsx';
import { inGroups, qrCode } from './qr.ts';
import classes from './second-factor.module.css';

type Begun = Awaited<ReturnType<typeof begin>>;

/** On or off, with the way to the other. */
export function SecondFactor() {
  const { t } = useTranslation();
  const { totp } = useSession();
  const queries = useQueryClient();
  const [begun, setBegun] = useState<Begun | null>(null);
  const [recovery, setRecovery] = useState<readonly string[] | null>(null);
  const [leaving, setLeaving] = useState(false);
  const start = useAct(begin, setBegun);
  const close = () => {
    setBegun(null);
    setRecovery(null);
    setLeaving(false);
    void queries.invalidateQueries({ queryKey: ['session'] });
  };
  return (
    <Stack gap="sm" align="flex-start">
      <Sign
        icon={totp ? IconShieldCheck : IconShieldOff}
        color={totp ? 'teal' : 'gray'}
        label={t(totp ? 'access.factor.on' : 'access.factor.off')}
      />
      <Text size="sm">{t('access.factor.about')}</Text>
      {totp ? (
        <Button variant="default" onClick={() => setLeaving(true)}>
          {t('access.factor.turnOff')}
        </Button>
      ) : (
        <Button onClick={() => start.mutate()} loading={start.isPending}>
          {t('access.factor.turnOn')}
        </Button>
      )}
      <Dialog
        opened={begun !== null}
        onClose={close}
        title={t(recovery ? 'access.factor.recovery' : 'access.factor.turnOn')}
        // Codes that were not kept are gone: only the button ends that step.
        held={recovery !== null}
      >
        {recovery ? (
          <Recovery codes={recovery} onKept={close} />
        ) : begun ? (
          <Confirming begun={begun} onDone={setRecovery} />
        ) : null}
      </Dialog>
      <Dialog opened={leaving} onClose={close} title={t('access.factor.turnOff')}>
        <TurnOff onDone={close} />
      </Dialog>
    </Stack>
  );
}

function begin() {
  return call('POST', '/session/totp');
}

function Confirming({ begun, onDone }: { begun: Begun; onDone: (codes: readonly string[]) => void }) {
  const { t } = useTranslation();
  const { secret, address } = begun;
  const { size, path } = qrCode(address);
  const form = useForm({ initialValues: { code: '', password: '' } });
  const confirm = useMutation({
    mutationFn: (values: typeof form.values) => call('PUT', '/session/totp', { body: { secret, ...values } }),
    onSuccess: (result) => onDone(result.recovery),
  });
  return (
    <form onSubmit={form.onSubmit((values) => confirm.mutate(values))}>
      <Stack gap="sm">
        <List type="ordered" size="sm" spacing="xs">
          <List.Item>{t('access.factor.scan')}</List.Item>
          <List.Item>{t('access.factor.enter')}</List.Item>
        </List>
        <svg
          viewBox={`0 0 ${size} ${size}`}
          className={classes['code']}
          role="img"
          aria-label={t('access.factor.picture')}
        >
          <rect width={size} height={size} fill="#fff" />
          <path d={path} fill="#000" />
        </svg>
        <Group gap={4} justify="center">
          <Text size="sm" c="dimmed">
            {t('access.factor.typed')}
          </Text>
          <Code>{inGroups(secret)}</Code>
          <Copy text={secret} what={t('access.factor.secret')} />
        </Group>
        <Refusal error={confirm.error} />
        <TextInput
          label={t('access.factor.code')}
          inputMode="numeric"
          autoComplete="one-time-code"
          required
          data-autofocus
          {...form.getInputProps('code')}
        />
        <PasswordInput
          label={t('access.password')}
          autoComplete="current-password"
          required
          {...form.getInputProps('password')}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={confirm.isPending}>
            {t('access.factor.confirm')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Recovery({ codes, onKept }: { codes: readonly string[]; onKept: () => void }) {
  const { t } = useTranslation();
  const { instance, name } = useSession();
  return (
    <Stack gap="sm">
      <Alert color="teal" variant="light" icon={<IconShieldCheck aria-hidden />}>
        {t('access.factor.isOn')}
      </Alert>
      <Text size="sm">{t('access.factor.keep')}</Text>
      <div className={classes['print']}>
        <Text size="sm" fw={600} mb={4}>
          Holdfast {instance} · {name}
        </Text>
        <ol className={classes['codes']} aria-label={t('access.factor.recovery')}>
          {codes.map((code) => (
            <li key={code}>
              <Code>{code}</Code>
            </li>
          ))}
        </ol>
      </div>
      <Group justify="space-between">
        <Group gap="xs">
          <Copy text={codes.join('\n')} what={t('access.factor.recovery')} />
          <Button
            variant="default"
            leftSection={<IconPrinter size={16} aria-hidden />}
            onClick={() => globalThis.print()}
          >
            {t('access.factor.print')}
          </Button>
        </Group>
        <Button onClick={onKept}>{t('access.factor.kept')}</Button>
      </Group>
    </Stack>
  );
}

function TurnOff({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { password: '' } });
  const remove = useMutation({
    mutationFn: (body: typeof form.values) => call('DELETE', '/session/totp', { body }),
    onSuccess: onDone,
  });
  return (
    <form onSubmit={form.onSubmit((values) => remove.mutate(values))}>
      <Stack gap="sm">
        <Text size="sm">{t('access.factor.without')}</Text>
        <Refusal error={remove.error} />
        <PasswordInput
          label={t('access.password')}
          autoComplete="current-password"
          required
          data-autofocus
          {...form.getInputProps('password')}
        />
        <Group justify="flex-end">
          <Button type="submit" color="red" loading={remove.isPending}>
            {t('access.factor.turnOff')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
