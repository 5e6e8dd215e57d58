// Runs a program under clinic doctor and leaves its page in a folder: node doctor.cjs FOLDER NODE PROGRAM VARIANT
'use strict';
const path = require('node:path');

const [folder, ...command] = process.argv.slice(2);
const ClinicDoctor = require(path.join(process.env.FIELD_TOOLS_HOME, 'node_modules/@clinic/doctor'));
const doctor = new ClinicDoctor({ dest: folder });
doctor.collect(command, (error, data) => {
  if (error) throw error;
  const page = path.join(folder, 'page.html');
  doctor.visualize(data, page, (failure) => {
    if (failure) throw failure;
  });
});
