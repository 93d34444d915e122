import { Alert, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Said } from './said.tsx';
import { useWhatToDo } from './shown.tsx';

/** Why a form was not taken, beside the form. */
export function Refusal({ error }: { error: Error | null }) {
  const whatToDo = useWhatToDo();
  if (error === null) return null;
  const { text, hint } = whatToDo(error);
  return (
    <Alert role="alert" variant="light" color="red" icon={<IconAlertTriangle aria-hidden />}>
      <Text size="sm">
        <Said text={text} />
      </Text>
      {hint === null ? null : (
        <Text size="sm">
          <Said text={hint} />
        </Text>
      )}
    </Alert>
  );
}
