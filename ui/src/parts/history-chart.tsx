import '@mantine/charts/styles.css';
import { Box, SimpleGrid, Text } from '@mantine/core';
import { AreaChart } from '@mantine/charts';
import { useTranslation } from 'react-i18next';
import type { SourceView } from '../../../src/api/contract.ts';
import { useFormat } from './use-format.ts';

/** Size and duration of the last backups. In a file of its own, loaded when it is looked at: the library behind it is large. */
export function HistoryChart({ sizes }: { sizes: SourceView['sizes'] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const data = sizes.map(({ at, bytes, seconds }) => ({ at: format.short(at), bytes, seconds }));
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Picture title={t('history.size')} data={data} series="bytes" color="cyan.7" tell={format.bytes} />
      <Picture title={t('history.duration')} data={data} series="seconds" color="grape.6" tell={format.seconds} />
    </SimpleGrid>
  );
}

interface PictureProps {
  title: string;
  data: { at: string; bytes: number; seconds: number }[];
  series: 'bytes' | 'seconds';
  color: string;
  tell: (value: number) => string;
}

function Picture({ title, data, series, color, tell }: PictureProps) {
  return (
    <Box component="figure" m={0}>
      <Text component="figcaption" size="sm" c="dimmed" mb={4}>
        {title}
      </Text>
      <AreaChart
        h={180}
        data={data}
        dataKey="at"
        series={[{ name: series, label: title, color }]}
        valueFormatter={tell}
        curveType="linear"
        withDots={data.length < 20}
        fillOpacity={0.13}
        strokeWidth={1.8}
        yAxisProps={{ width: 66 }}
        xAxisProps={{ minTickGap: 40 }}
        areaChartProps={{ accessibilityLayer: false }}
        areaProps={{ isAnimationActive: false }}
      />
    </Box>
  );
}
