<?php
// Runs a program that verifies, for the tests: the program's path, then cases on stdin, answers on stdout.
require $argv[1];

$answers = [];
foreach (json_decode(stream_get_contents(STDIN), true) as $case) {
    $answers[] = verify($case['headers'], base64_decode($case['body']));
}
echo json_encode($answers);
