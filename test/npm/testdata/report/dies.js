process.exit(3); // a file of tests that dies, for the test of the reporter
