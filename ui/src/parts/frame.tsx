import {
  ActionIcon,
  Alert,
  Anchor,
  AppShell,
  Burger,
  Group,
  NavLink,
  Select,
  Text,
  Title,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconActivity,
  IconBell,
  IconHistory,
  IconKey,
  IconLayoutDashboard,
  IconList,
  IconLogout,
  IconMoon,
  IconSettings,
  IconSun,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'wouter';
import { call, Problem } from '../api/client.ts';
import { useSession } from '../api/session.ts';
import { chooseLanguage, languages, type Language } from '../words/words.ts';
import { watchFocus } from './focus-back.ts';
import { useToasts } from './toasts.tsx';
import classes from './frame.module.css';

const pages = [
  { path: '/', word: 'overview', icon: IconLayoutDashboard, needs: 'read' },
  { path: '/activity', word: 'activity', icon: IconActivity, needs: 'read' },
  { path: '/restore', word: 'restore', icon: IconHistory, needs: 'restore' },
  { path: '/alerts', word: 'alerts', icon: IconBell, needs: 'read' },
  { path: '/settings', word: 'settings', icon: IconSettings, needs: 'settings' },
  { path: '/access', word: 'access', icon: IconKey, needs: 'read' },
  { path: '/audit', word: 'audit', icon: IconList, needs: 'access' },
] as const;

/** What stands around every page. */
export function Frame({ live, children }: { live: boolean; children: ReactNode }) {
  const { t } = useTranslation();
  const session = useSession();
  const [opened, { toggle, close }] = useDisclosure();
  const [location] = useLocation();
  useEffect(watchFocus, []);
  const may = pages.filter(({ needs }) => session.actions.includes(needs));
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding="md"
    >
      <Anchor href="#content" className={classes['skip'] ?? ''}>
        {t('app.skip')}
      </Anchor>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('app.menu')} />
            <img src="/icon.svg" alt="" width={26} height={26} />
            <Title order={1} size="h4">
              {t('app.name')}
            </Title>
            <Text c="dimmed" size="sm" visibleFrom="sm">
              {session.instance}
            </Text>
          </Group>
          <Controls />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t('app.menu')}>
        {may.map(({ path, word, icon: Icon }) => (
          <NavLink
            key={path}
            component={Link}
            href={path}
            label={t(`nav.${word}`)}
            leftSection={<Icon size={18} aria-hidden />}
            active={path === '/' ? location === '/' || location.startsWith('/sources') : location.startsWith(path)}
            onClick={close}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} className={classes['main'] ?? ''}>
        {live ? null : (
          <Alert color="yellow" mb="md" role="status">
            {t('live.lost')}
          </Alert>
        )}
        {children}
      </AppShell.Main>
    </AppShell>
  );
}

function Controls() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const queries = useQueryClient();
  const dark = colorScheme === 'dark' || (colorScheme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
  const toasts = useToasts();
  const leave = async () => {
    try {
      await call('DELETE', '/session');
    } catch (error) {
      // Whoever goes now would leave the session open behind them; one that is over needs no end.
      if (!(error instanceof Problem && error.status === 401)) return toasts.failed(error as Error);
    }
    queries.clear();
    location.assign('/');
  };
  return (
    <Group gap="xs" wrap="nowrap">
      <Select
        aria-label={t('app.language')}
        size="xs"
        w={72}
        allowDeselect={false}
        data={languages.map((each) => ({ value: each, label: each.toUpperCase() }))}
        value={i18n.language}
        onChange={(value) => value && chooseLanguage(value as Language)}
      />
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={t('app.theme')}
        onClick={() => setColorScheme(dark ? 'light' : 'dark')}
      >
        {dark ? <IconSun size={18} aria-hidden /> : <IconMoon size={18} aria-hidden />}
      </ActionIcon>
      <ActionIcon variant="subtle" color="gray" aria-label={t('app.signOut')} onClick={() => void leave()}>
        <IconLogout size={18} aria-hidden />
      </ActionIcon>
    </Group>
  );
}
