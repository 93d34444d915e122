import { Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconCheck, IconInfoCircle } from '@tabler/icons-react';
import { useMutation, type UseMutationResult } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Said } from './said.tsx';
import { useWhatToDo } from './shown.tsx';

/** Short messages at the edge. Good news goes by itself; what went wrong stays until it was read. */
export function useToasts() {
  const { t } = useTranslation();
  const whatToDo = useWhatToDo();
  const closeButtonProps = { 'aria-label': t('confirm.close') };
  return {
    done: (message: string) =>
      notifications.show({
        message,
        color: 'teal',
        icon: <IconCheck size={18} aria-hidden />,
        role: 'status',
        closeButtonProps,
      }),
    begun: (message: string) =>
      notifications.show({
        message,
        color: 'cyan',
        icon: <IconInfoCircle size={18} aria-hidden />,
        role: 'status',
        closeButtonProps,
      }),
    failed: (error: Error, title: string = t('state.notDone')) => {
      const { text, hint } = whatToDo(error);
      notifications.show({
        title,
        message: (
          <Stack gap={2}>
            <Text size="sm">
              <Said text={text} />
            </Text>
            {hint === null ? null : (
              <Text size="sm" c="dimmed">
                <Said text={hint} />
              </Text>
            )}
          </Stack>
        ),
        color: 'red',
        icon: <IconAlertTriangle size={18} aria-hidden />,
        autoClose: false,
        role: 'alert',
        closeButtonProps,
      });
    },
  };
}

/** Something a button does: a toast when it failed, and another when it is done, where there is something to say. */
export function useAct<T, Given = void>(
  act: (given: Given) => Promise<T>,
  done?: (result: T, given: Given, toasts: ReturnType<typeof useToasts>) => void,
): UseMutationResult<T, Error, Given> {
  const toasts = useToasts();
  return useMutation({
    mutationFn: act,
    onSuccess: (result, given) => done?.(result, given, toasts),
    onError: (error) => toasts.failed(error),
  });
}
