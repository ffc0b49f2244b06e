<?php
// Makes one HTTP call and one MariaDB query, one after the other.
$id = $_GET['id'];
file_get_contents('http://' . getenv('DELAY_ADDR') . '/b1?id=' . $id);
$db = new mysqli('p:' . getenv('MARIADB_HOST'), 'root', '', 'testbed', (int) getenv('MARIADB_PORT'));
$db->query("SELECT name FROM item WHERE id = 7 /* $id */")->fetch_row();
echo "ok\n";
