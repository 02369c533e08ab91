-- One row per connection x adjustment.
{{ changed_keys({'ec.adjustments': source('ec', 'adjustments')}, ['connection', 'adjustment_id'], former=contacts()['adjustments']) }}
