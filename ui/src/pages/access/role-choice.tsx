import { Radio, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Role } from '../../../../src/access/roles.ts';

const roles = ['viewer', 'operator', 'admin'] as const satisfies readonly Role[];

/** Roles, each with what it is for. */
export function RoleChoice(props: { value?: Role; onChange?: (value: Role) => void }) {
  const { t } = useTranslation();
  const { value, onChange } = props;
  return (
    <Radio.Group
      label={t('access.role')}
      {...(value === undefined ? {} : { value })}
      onChange={(chosen) => onChange?.(roles.find((each) => each === chosen) ?? 'viewer')}
    >
      <Stack gap="xs" mt={6}>
        {roles.map((role) => (
          <Radio
            key={role}
            value={role}
            label={t(`access.roles.${role}`)}
            description={t(`access.roleTexts.${role}`)}
          />
        ))}
      </Stack>
    </Radio.Group>
  );
}
