-- One row per connection x customer number.
{{ changed_keys({'ec.customers': source('ec', 'customers')}, ['connection', 'customer_pid'], former=contacts()['customers']) }}
