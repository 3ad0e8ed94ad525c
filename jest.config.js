/** Unit tests touch no network; integration tests share one deployment, which test/run.ts makes. */
const project = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
};

export default {
  // People who run them wait for them; jest by itself leaves one core free.
  maxWorkers: '100%',
  projects: [
    { ...project, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    // One after the other: they look at the whole account, or turn off what others need.
    { ...project, displayName: 'integration', testMatch: ['<rootDir>/test/integration/*.test.ts'] },
    {
      ...project,
      displayName: 'side-by-side',
      testMatch: ['<rootDir>/test/integration/side-by-side/*.test.ts'],
    },
    // The last: what all others left behind is searched.
    { ...project, displayName: 'afterwards', testMatch: ['<rootDir>/test/afterwards/*.test.ts'] },
    // In band, too: they borrow the roles of functions, and send thousands of requests.
    { ...project, displayName: 'security', testMatch: ['<rootDir>/test/security/*.test.ts'] },
  ],
};
