import '@mantine/charts/styles.css';
import { Box, SimpleGrid, Text } from '@mantine/core';
import { AreaChart } from '@mantine/charts';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { SourceView } from '../../../src/api/contract.ts';
import { bytesStep, lastOfEach, secondsStep, ticksOf } from './axis-ticks.ts';
import { useFormat } from './use-format.ts';

/** Size and duration of the last backups. In a file of its own, loaded when it is looked at: the library behind it is large. */
export function HistoryChart({ sizes }: { sizes: SourceView['sizes'] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const both = { data: sizes, tellTime: format.short };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Picture {...both} title={t('history.size')} series="bytes" color="cyan.7" tell={format.bytes} step={bytesStep} />
      <Picture
        {...both}
        title={t('history.duration')}
        series="seconds"
        color="grape.6"
        tell={format.seconds}
        step={secondsStep}
      />
    </SimpleGrid>
  );
}

interface PictureProps {
  title: string;
  data: { at: string; bytes: number; seconds: number }[];
  series: 'bytes' | 'seconds';
  color: string;
  tell: (value: number) => string;
  tellTime: (at: string) => string;
  /** The distance between two lines, for the highest value. */
  step: (highest: number) => number;
}

function Picture({ title, data, series, color, tell, tellTime, step }: PictureProps) {
  const values = ticksOf(
    data.map((each) => each[series]),
    step,
  );
  const times = lastOfEach(
    data.map(({ at }) => at),
    tellTime,
  );
  /** Asked for words also while nothing is pointed at. */
  const labelFormatter = (pointed: ReactNode) => {
    const found = data.find(({ at }) => at === pointed);
    return found ? tellTime(found.at) : '';
  };
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
        yAxisProps={{ width: 66, ticks: values, domain: [0, values.at(-1) ?? 0] }}
        xAxisProps={{ minTickGap: 40, ticks: times, tickFormatter: tellTime }}
        tooltipProps={{ labelFormatter }}
        areaChartProps={{ accessibilityLayer: false }}
        areaProps={{ isAnimationActive: false }}
      />
    </Box>
  );
}
