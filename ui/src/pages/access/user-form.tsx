import { Button, Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Role } from '../../../../src/access/roles.ts';
import { call } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { useToasts } from '../../parts/toasts.tsx';
import { shortest } from './new-password.ts';
import { RoleChoice } from './role-choice.tsx';
import type { User } from './user.ts';

interface UserFormProps {
  opened: boolean;
  /** Null: a new one. */
  user: User | null;
  onClose: () => void;
}

export function UserForm({ opened, user, onClose }: UserFormProps) {
  const { t } = useTranslation();
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      title={user ? t('access.changeUser', { name: user.name }) : t('access.addUser')}
    >
      <Fields user={user} onClose={onClose} />
    </Dialog>
  );
}

function Fields({ user, onClose }: Pick<UserFormProps, 'user' | 'onClose'>) {
  const { t } = useTranslation();
  const session = useSession();
  const queries = useQueryClient();
  const toasts = useToasts();
  const form = useForm<{ name: string; role: Role; password: string }>({
    initialValues: { name: user?.name ?? '', role: user?.role ?? 'viewer', password: '' },
    validate: {
      password: (value) =>
        (user && value === '') || value.length >= shortest ? null : t('access.tooShort', { shortest }),
    },
  });
  const save = useMutation({
    mutationFn: (values: typeof form.values) =>
      user ? change(user, values) : call('POST', '/users', { body: values }),
    onSuccess: async ({ name }) => {
      toasts.done(t(user ? 'access.userChanged' : 'access.userAdded', { name }));
      onClose();
      // Whoever changes themselves may be somebody else now, or nobody.
      if (name === session.name) await queries.invalidateQueries({ queryKey: ['session'] });
      await queries.invalidateQueries({ queryKey: ['users'] });
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack gap="sm">
        <Refusal error={save.error} />
        {user ? null : (
          <TextInput
            label={t('access.name')}
            description={t('access.nameRule')}
            autoComplete="off"
            required
            data-autofocus
            {...form.getInputProps('name')}
          />
        )}
        <RoleChoice {...form.getInputProps('role')} />
        {user?.external ? null : (
          <PasswordInput
            label={t(user ? 'access.newPassword' : 'access.password')}
            description={t(user ? 'access.emptyPassword' : 'access.longPassword', { shortest })}
            autoComplete="new-password"
            required={user === null}
            {...form.getInputProps('password')}
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('confirm.cancel')}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {t(user ? 'access.save' : 'access.addUser')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Only what is different: a change of the role ends nobody's second factor, and an empty password is none. */
function change({ name, role: before }: User, { role, password }: { role: Role; password: string }): Promise<User> {
  const body = { ...(role === before ? {} : { role }), ...(password === '' ? {} : { password }) };
  return call('PATCH', '/users/{name}', { params: { name }, body });
}
