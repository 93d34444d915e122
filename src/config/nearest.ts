/** The word of a list that was probably meant, or null when none is close. */
export function nearest(word: string, allowed: readonly string[]): string | null {
  const plain = simplify(word);
  const [best] = allowed
    .map((candidate) => ({ candidate, distance: distance(plain, simplify(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.max(1, Math.floor(plain.length / 3)) ? best.candidate : null;
}

function simplify(word: string): string {
  return word.toLowerCase().replaceAll(/[-_.\s]/g, '');
}

/** Letters to insert, remove, replace or swap to get from one word to the other. */
function distance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      line[column] = Math.min(
        cell(line, column - 1) + 1,
        cell(last, column) + 1,
        cell(last, column - 1) + (same ? 0 : 1),
        swapped ? cell(beforeLast, column - 2) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = line;
  }
  return cell(last, to.length);
}

function cell(line: readonly number[], column: number): number {
  return line[column] ?? Infinity;
}
