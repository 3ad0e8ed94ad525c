/** What `${file(resources/iam/template.cjs)}` in serverless.yml reads: the framework itself loads no TypeScript. */
'use strict';

require('../typescript.cjs');

module.exports = require('./template.ts').template;
