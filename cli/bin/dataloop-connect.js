#!/usr/bin/env node
// A file of its own: npm links only to what is there before the bundle is made.
import '../dist/dataloop-connect.cjs';
