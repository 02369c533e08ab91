-- One row per connection x points transaction.
{{ changed_keys({'ec.points': source('ec', 'points')}, ['connection', 'transaction_id'], former=contacts()['points']) }}
