-- What every measure stands on: one row a person, services by kind, admissions once, and what cannot be used.
-- Reads the published tables person, service and spell, and the small tables of settings: setting, service_word,
-- cost_unit, area_name. Plain SQL: DuckDB and PostgreSQL give the same.

-- A person's facts. The GP's date of birth counts before the council's; of several the earliest, so that the order of
-- rows decides nothing. A date known to the month or year stands for its first day.
CREATE TEMPORARY TABLE measure_person AS
SELECT person_key, is_client, is_registered, birth_date, death_date, gp_practice_code, council, district,
       CAST(extract(year FROM birth_date) * 10000 + extract(month FROM birth_date) * 100 + extract(day FROM birth_date)
           AS INTEGER) AS born
FROM (
    SELECT person_key,
           max(CASE WHEN side = 'client' THEN 1 ELSE 0 END) AS is_client,
           max(CASE WHEN side = 'register' THEN 1 ELSE 0 END) AS is_registered,
           coalesce(min(CASE WHEN side = 'register' THEN birth_date END), min(birth_date)) AS birth_date,
           min(death_date) AS death_date,
           coalesce(min(CASE WHEN side = 'register' THEN gp_practice_code END), min(gp_practice_code))
               AS gp_practice_code,
           min(CASE WHEN side = 'client' THEN source_org END) AS council,
           split_part(coalesce(min(CASE WHEN side = 'client' THEN postcode END), min(postcode)), ' ', 1) AS district
    FROM person
    WHERE person_key IS NOT NULL AND NOT coalesce(test_record, false)
    GROUP BY person_key
) AS facts;

-- Which area somebody belongs to; `setting.area` says by what.
CREATE TEMPORARY TABLE measure_area AS
SELECT p.person_key,
       CASE WHEN s.area = 'none' THEN 'All'
            ELSE coalesce(n.area, CASE WHEN s.area = 'named' THEN 'not known' ELSE p.code END, 'not known')
       END AS area
FROM (
    SELECT q.person_key,
           CASE WHEN t.area = 'council' THEN q.council
                WHEN t.area = 'practice' THEN q.gp_practice_code
                WHEN t.area = 'district' THEN q.district
           END AS code,
           q.gp_practice_code, q.district
    FROM measure_person AS q CROSS JOIN setting AS t
) AS p
CROSS JOIN setting AS s
LEFT JOIN area_name AS n ON s.area = 'named'
    AND n.code = CASE WHEN p.gp_practice_code IN (SELECT code FROM area_name) THEN p.gp_practice_code
                      ELSE p.district END;

-- Services of service users whose kind and first day are known, to the day of death at most (national methodology).
-- One service told twice, as of a client with two records, is one; rows that differ in their costs both stay.
CREATE TEMPORARY TABLE measure_support AS
SELECT DISTINCT v.person_key, w.kind, w.is_self_funded, v.service_type, v.service_component, v.provider, v.start_date,
       CASE WHEN p.death_date < coalesce(v.end_date, DATE '9999-12-31') THEN p.death_date ELSE v.end_date END
           AS end_date,
       v.unit_cost, v.cost_unit, v.units_per_week
FROM service AS v
JOIN measure_person AS p ON p.person_key = v.person_key
JOIN service_word AS w ON w.service_type = coalesce(v.service_type, '')
    AND w.service_component = coalesce(v.service_component, '')
    AND w.client_type = coalesce(v.client_type, '') AND w.outcome = coalesce(v.outcome, '')
WHERE w.is_user AND w.kind <> 'not known' AND v.start_date IS NOT NULL
    AND (v.end_date IS NULL OR v.end_date >= v.start_date)
    AND (p.death_date IS NULL OR p.death_date >= v.start_date);

-- Admissions: one a person, provider and day, though two feeds may tell of it.
CREATE TEMPORARY TABLE measure_admission AS
SELECT person_key, coalesce(provider, '') AS provider, start_date, max(end_date) AS end_date,
       min(admission_method) AS admission_method, min(discharge_method) AS discharge_method,
       min(discharge_destination) AS discharge_destination, min(primary_diagnosis) AS primary_diagnosis,
       max(discharge_ready_date) AS ready_date,
       max(CASE WHEN admission_method LIKE '2%' OR (admission_method IS NULL AND emergency) THEN 1 ELSE 0 END)
           AS is_emergency
FROM spell
WHERE person_key IS NOT NULL AND start_date IS NOT NULL AND (end_date IS NULL OR end_date >= start_date)
GROUP BY person_key, coalesce(provider, ''), start_date;

-- Records that no measure can place, by what they are. A measure names the ones that bear on it.
CREATE TEMPORARY TABLE measure_unusable AS
SELECT 'service' AS about, v.person_key,
       CASE WHEN w.kind = 'not known' THEN 'a service of a kind that is not known: its words are in no list'
            WHEN v.start_date IS NULL THEN 'a service without a first day'
            WHEN v.end_date < v.start_date THEN 'a service that ends before it begins'
            ELSE 'a service that begins after the person''s death' END AS reason
FROM service AS v
JOIN measure_person AS p ON p.person_key = v.person_key
JOIN service_word AS w ON w.service_type = coalesce(v.service_type, '')
    AND w.service_component = coalesce(v.service_component, '')
    AND w.client_type = coalesce(v.client_type, '') AND w.outcome = coalesce(v.outcome, '')
WHERE w.is_user
    AND (w.kind = 'not known' OR v.start_date IS NULL OR v.end_date < v.start_date OR p.death_date < v.start_date)
UNION ALL
SELECT 'admission', person_key,
       CASE WHEN person_key IS NULL THEN 'an admission of nobody who can be told'
            WHEN start_date IS NULL THEN 'an admission without a day'
            ELSE 'an admission that ends before it begins' END
FROM spell
WHERE person_key IS NULL OR start_date IS NULL OR end_date < start_date
UNION ALL
SELECT 'diagnosis', person_key, 'an emergency admission without a diagnosis'
FROM measure_admission
WHERE is_emergency = 1 AND primary_diagnosis IS NULL
UNION ALL
SELECT 'cost', t.person_key,
       CASE WHEN t.unit_cost IS NULL THEN 'a service without a cost'
            WHEN c.cost_unit IS NULL THEN 'a service with a unit of cost that is not known'
            ELSE 'a service with a cost a unit and no planned units a week' END
FROM measure_support AS t
LEFT JOIN cost_unit AS c ON c.cost_unit = coalesce(t.cost_unit, '')
WHERE t.unit_cost IS NULL OR c.cost_unit IS NULL OR (c.is_planned AND t.units_per_week IS NULL);
