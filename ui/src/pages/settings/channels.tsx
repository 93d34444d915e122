import { Button, Card, Group, Stack, Text } from '@mantine/core';
import { IconPencil, IconPlus, IconSend, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Confirm } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Section } from '../../parts/page.tsx';
import { Refusal } from '../../parts/refusal.tsx';
import { TestOutcome, useTest } from '../alerts/test-channel.tsx';
import { ChannelForm } from './channel-form.tsx';
import { channelNames, draftOfChannel } from './channel-fields.ts';
import { originOf, textAt, valueAt } from './fields.ts';
import { useSaveChannel } from './use-save-channel.ts';
import { useSettings } from './use-settings-form.ts';

/** Who is told: what stands under `alerts.channels`, one by one. Addresses and passwords go in and never come out. */
export function Channels() {
  const { t } = useTranslation();
  const { settings, writable } = useSettings();
  const channels = (valueAt(settings, ['alerts', 'channels']) ?? []) as readonly unknown[];
  const names = channelNames(channels);
  const [edited, setEdited] = useState<number | null>(null);
  return (
    <Card withBorder>
      <Section title={t('settings.channelList')}>
        <Text size="sm" c="dimmed">
          {t(channels.length === 0 ? 'settings.noChannels' : 'settings.channelText')}
        </Text>
        <Stack gap="sm" component="ul" m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('settings.channelList')}>
          {channels.map((channel, at) => (
            <One key={names[at] ?? at} channel={channel} at={at} name={names[at] ?? ''} onEdit={() => setEdited(at)} />
          ))}
        </Stack>
        {writable ? (
          <Button
            variant="default"
            w="fit-content"
            leftSection={<IconPlus size={16} aria-hidden />}
            onClick={() => setEdited(channels.length)}
          >
            {t('settings.addChannel')}
          </Button>
        ) : null}
        <Dialog
          opened={edited !== null}
          onClose={() => setEdited(null)}
          title={
            edited === null || edited >= channels.length
              ? t('settings.addChannel')
              : t('settings.editChannel', { name: names[edited] ?? '' })
          }
        >
          {edited === null ? null : (
            <ChannelForm at={edited} channel={channels[edited]} onClose={() => setEdited(null)} />
          )}
        </Dialog>
      </Section>
    </Card>
  );
}

function One({ channel, at, name, onEdit }: { channel: unknown; at: number; name: string; onEdit: () => void }) {
  const { t } = useTranslation();
  const { writable, pending, origins } = useSettings();
  const [asking, setAsking] = useState(false);
  const test = useTest(name);
  const remove = useSaveChannel(() => setAsking(false));
  // From a variable, it does not stand in the file and cannot be changed there.
  const origin = originOf(['alerts', 'channels', at], origins);
  const editable = writable && (origin === null || /:\d+$/.test(origin)) && draftOfChannel(channel) !== null;
  const facts = [textAt(channel, ['type']), textAt(channel, ['url']), textAt(channel, ['topic']), origin ?? ''];
  return (
    <Card component="li" withBorder padding="sm">
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <div style={{ minWidth: 0 }}>
            <Text fw={600}>{name}</Text>
            <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {facts.filter((each) => each !== '').join(' · ')}
            </Text>
          </div>
          <Group gap="xs">
            <Button
              variant="default"
              leftSection={<IconSend size={16} aria-hidden />}
              aria-label={`${t('alerts.test')}: ${name}`}
              // Until then the daemon knows the channel as it was.
              disabled={pending}
              loading={test.isPending}
              onClick={() => test.mutate()}
            >
              {t('alerts.test')}
            </Button>
            {editable ? (
              <>
                <Button
                  variant="default"
                  leftSection={<IconPencil size={16} aria-hidden />}
                  aria-label={`${t('settings.edit')}: ${name}`}
                  onClick={onEdit}
                >
                  {t('settings.edit')}
                </Button>
                <Button
                  variant="default"
                  leftSection={<IconTrash size={16} aria-hidden />}
                  aria-label={`${t('settings.remove')}: ${name}`}
                  onClick={() => setAsking(true)}
                >
                  {t('settings.remove')}
                </Button>
              </>
            ) : null}
          </Group>
        </Group>
        <Refusal error={test.error} />
        {test.data ? <TestOutcome result={test.data} /> : null}
      </Stack>
      <Confirm
        opened={asking}
        onClose={() => setAsking(false)}
        title={t('settings.removeChannel', { name })}
        word={null}
        label={t('settings.remove')}
        busy={remove.isPending}
        onConfirm={() => remove.mutate([{ path: ['alerts', 'channels', at], value: null }])}
      >
        {t('settings.removeChannelText')}
        <Refusal error={remove.error} />
      </Confirm>
    </Card>
  );
}
