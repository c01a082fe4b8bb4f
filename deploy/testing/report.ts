/** What a test run came to, from the report that vitest writes: counts, and what was left out. */

/** The part of vitest's JSON report that is read here. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** One line for each suite or test that did not run: where, its title (which holds the reason), how many tests. */
  readonly leftOut: readonly string[];
}

/** A file that failed as a whole (it does not load, a hook throws) has no failed test of its own: it counts as one. */
export function tally(report: VitestReport, root: string): Tally {
  let passed = 0;
  let failed = 0;
  const leftOut = new Map<string, number>();
  for (const file of report.testResults) {
    const failedBefore = failed;
    for (const { status, ancestorTitles, title } of file.assertionResults) {
      if (status === 'passed') passed++;
      else if (status === 'failed') failed++;
      else {
        const where = `${file.name.replace(`${root}/`, '')}: ${ancestorTitles[0] ?? title}`;
        leftOut.set(where, (leftOut.get(where) ?? 0) + 1);
      }
    }
    if (file.status === 'failed' && failed === failedBefore) failed++;
  }
  return { passed, failed, leftOut: [...leftOut].map(([where, tests]) => `${where} (${tests} left out)`) };
}
