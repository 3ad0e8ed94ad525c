/** Required by each file that hands the framework the result of TypeScript, which it loads none of itself. */
'use strict';

if (!process.features.typescript) {
  throw new Error(
    `Node.js ${process.versions.node} cannot read TypeScript. Use "npx serverless" or "npm run": both run the Node.js that "npm ci" installed here.`,
  );
}
