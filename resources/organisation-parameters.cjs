/** Parameters by which a deployment keeps to the rules of an organisation: boundaries, names, keys, tags, network. */
'use strict';

const { keyArn, listOf, text } = require('./parameter-rules.cjs');
const plain = require('./plain-error.cjs');

const ownerTag = 'dataloop-cross-account:integration-id';

const oneKey = text(
  new RegExp(`^$|${keyArn.source}`),
  'empty, or the ARN of a KMS key in the region of the deployment (no alias)',
);

const tagRule =
  'empty, or tags such as "cost-center=42,team=data": at most 9, with letters, digits, spaces and _ . : / + - @';
const tagKey = /^(?!aws:|dataloop-cross-account:)[\p{L}\p{N} _.:/+@-]{1,128}$/u;
const tagValue = /^[\p{L}\p{N} _.:/+@-]{0,256}$/u;

/** Written `key: value` in a file, or as text. Values hold no wildcard: conditions of roles compare them. */
function tags(value) {
  const isMap = typeof value === 'object' && value !== null;
  if (!isMap && typeof value !== 'string') throw tagRule;
  const pairs = isMap
    ? Object.entries(value).map(([key, each]) => [key, String(each)])
    : value.split(',').flatMap((each) => (value.trim() === '' ? [] : [each.trim().split('=')]));
  const isGood = pairs.every((pair) => pair.length === 2 && tagKey.test(pair[0]) && tagValue.test(pair[1]));
  if (!isGood || pairs.length > 9 || new Set(pairs.map(([key]) => key)).size < pairs.length) throw tagRule;
  return Object.fromEntries(pairs);
}

/** The environment of the functions that create something holds them. */
const longestDefaultTags = 400;

function defaultTags(value) {
  const map = tags(value);
  const json = JSON.stringify(map);
  if (json.length > longestDefaultTags)
    throw `${tagRule}, of at most ${longestDefaultTags} characters as JSON`;
  return { map, json };
}

const denialRule =
  'empty, or a list of IAM statements, each with a Sid of its own, "Effect": "Deny", (Not)Action and (Not)Resource';
const parts = ['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'];
/** Of the boundary itself: resources/boundary.yml. */
const ownSids = [
  'UseObjects',
  'UseKeys',
  'NothingElse',
  'NowhereElse',
  'OnlyThisAccount',
  'TlsOnly',
  'OnlyThroughS3',
  'NotTheDeploymentBucket',
];
/** The boundary holds 6,144 characters, and most of them are for ARNs. */
const longestDenials = 800;

const isText = (value) =>
  [value].flat().length > 0 && [value].flat().every((each) => typeof each === 'string' && each !== '');
const exactlyOne = (one, other) => (one === undefined) !== (other === undefined) && isText(one ?? other);

function isDenial(statement) {
  if (typeof statement !== 'object' || statement === null) return false;
  const { Sid, Effect, Action, NotAction, Resource, NotResource, Condition = {} } = statement;
  return (
    Object.keys(statement).every((key) => parts.includes(key)) &&
    typeof Sid === 'string' &&
    /^[A-Za-z0-9]{1,64}$/.test(Sid) &&
    !ownSids.includes(Sid) &&
    Effect === 'Deny' &&
    exactlyOne(Action, NotAction) &&
    exactlyOne(Resource, NotResource) &&
    typeof Condition === 'object' &&
    Condition !== null
  );
}

function fromJson(value) {
  try {
    return JSON.parse(value);
  } catch {
    throw denialRule;
  }
}

/**
 * Statements that only deny: none of them can widen the boundary that every created role carries. As JSON, in which the
 * framework finds no variables.
 */
const boundaryDenials = (value) => ({
  json: JSON.stringify(denialsOf(value)).replaceAll('\u0024{', String.raw`\u0024{`),
});

function denialsOf(value) {
  if (value === '') return [];
  const list = typeof value === 'string' ? fromJson(value) : value;
  if (!Array.isArray(list) || !list.every(isDenial)) throw denialRule;
  if (new Set(list.map(({ Sid }) => Sid)).size < list.length) throw denialRule;
  if (JSON.stringify(list).length > longestDenials)
    throw `${denialRule}, of at most ${longestDenials} characters`;
  return list;
}

const ids = (pattern, what) => {
  const check = listOf(pattern, `empty, or a comma-separated list of ${what} ids, each once`);
  return (value) => check(value).list;
};

const checks = {
  stackBoundaryArn: text(
    /^$|^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/([\w+=,.@-]+\/)*[\w+=,.@-]{1,128}$/,
    'empty, or the ARN of an IAM policy',
  ),
  // There the functions may change roles that they have created, and must not find their own.
  stackRolePath: text(
    /^\/(?!dataloop-cross-account\/)([\w+=,.@-]+\/)*$/,
    'an IAM path that begins and ends with /, and not under /dataloop-cross-account/',
  ),
  // Names of roles have 64 characters; the longest one that follows has 43.
  stackRolePrefix: text(/^[\w+=,.@-]{0,20}$/, 'at most 20 characters of names of IAM roles'),
  boundaryDenials,
  stackTags: tags,
  defaultTags,
  vpcSubnetIds: ids(/^subnet-[0-9a-f]{8,17}$/, 'subnet'),
  vpcSecurityGroupIds: ids(/^sg-[0-9a-f]{8,17}$/, 'security group'),
  dataKeyArn: oneKey,
  secretKeyArn: oneKey,
  deploymentBucketName: text(
    /^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    'empty, or the name of a bucket that exists',
  ),
};

/** A pattern has a * at its end only. */
const matches = (name, pattern) =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

const regionOf = (arn) => arn.split(':')[3];

/** @param region of the deployment */
function checkedTogether(parameters, region) {
  const { vpcSubnetIds, vpcSecurityGroupIds, deploymentBucketName, regions } = parameters;
  if ((vpcSubnetIds.length === 0) !== (vpcSecurityGroupIds.length === 0)) {
    throw plain(
      'Set both vpcSubnetIds and vpcSecurityGroupIds, or neither: functions need both to be in a VPC.',
    );
  }
  const adoptable = parameters.adoptableBucketArns.list.map((arn) => arn.split(':::')[1]);
  if (
    deploymentBucketName !== '' &&
    (matches(deploymentBucketName, parameters.bucketNamePattern) || adoptable.includes(deploymentBucketName))
  ) {
    throw plain(
      `The bucket ${deploymentBucketName} (deploymentBucketName) holds the code of the functions, so no request may ` +
        'reach it. Choose one that neither bucketNamePattern nor adoptableBucketArns names.',
    );
  }
  for (const name of ['dataKeyArn', 'secretKeyArn']) {
    const key = parameters[name];
    if (key !== '' && regionOf(key) !== region) {
      throw plain(`The key ${key} (${name}) must be in the region of the deployment, ${region}.`);
    }
  }
  const strange = parameters.kmsKeyArns.list.find((arn) => !regions.list.includes(regionOf(arn)));
  if (strange) {
    throw plain(
      `The key ${strange} (kmsKeyArns) can encrypt no bucket: its region is none of regions, ${regions.text}. ` +
        'Remove it, or add its region.',
    );
  }
}

/** What follows from these parameters, for serverless.yml and the plugins. */
function derived({ deploymentBucketName, dataKeyArn, secretKeyArn, vpcSubnetIds, defaultTags: { map } }) {
  return {
    /** For `Fn::Sub`: the bucket with the code of the functions, whose name CloudFormation makes up. */
    deploymentBucket: deploymentBucketName || '\u0024{ServerlessDeploymentBucket}',
    /** The same as a value of its own. */
    nameOfDeploymentBucket: deploymentBucketName || { Ref: 'ServerlessDeploymentBucket' },
    /** Settings of that bucket, for the framework. */
    codeBucket: {
      blockPublicAccess: true,
      ...(deploymentBucketName && { name: deploymentBucketName }),
      ...(dataKeyArn && { serverSideEncryption: 'aws:kms', sseKMSKeyId: dataKeyArn }),
    },
    dataKeys: dataKeyArn ? [dataKeyArn] : [],
    secretKeys: secretKeyArn ? [secretKeyArn] : [],
    /** As text: CloudFormation compares it. */
    usesVpc: String(vpcSubnetIds.length > 0),
    /** Tags with which a role is created, and the only ones. */
    roleTagKeys: [ownerTag, ...Object.keys(map)],
  };
}

module.exports = { checks, checkedTogether, derived };
